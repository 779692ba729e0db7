// SpaceReserve: a file of the state directory that holds space which nobody
// needs, until the disk is full and a threat must still be recorded.
//
// Thread-safe. Blocks for I/O. `files` and the descriptor must outlive it.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.h"
#include "quarantine/file_operations.h"

namespace gatehouse {

// In the state directory.
inline constexpr char kSpaceReserveName[] = "reserve";

class SpaceReserve {
 public:
  static constexpr uint64_t kBytes = uint64_t{64} << 20;
  // It is not made where it would be felt.
  static constexpr uint64_t kFreeBytesMin = uint64_t{1} << 30;

  SpaceReserve(FileOperations& files, int unsafe_state_fd)
      : files_(files), unsafe_state_fd_(unsafe_state_fd) {}

  // Makes the file if there is none and room for it. Errors: of the system.
  Result<bool> Fill();
  // Gives its space away; false: there was none to give.
  bool Release();

  // It was given away since this object was made.
  [[nodiscard]] bool was_released() const { return was_released_.load(); }

 private:
  FileOperations& files_;
  const int unsafe_state_fd_;
  std::atomic<bool> was_released_{false};
};

}  // namespace gatehouse
