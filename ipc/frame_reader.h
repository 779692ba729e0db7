// FrameReader: the frame that is arriving on a socket, and its descriptors.
//
// One thread at a time. Borrows the socket on each call; owns every descriptor
// that came with the frame until Take, and closes them when the frame turns
// out to be wrong.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "ipc/frame.h"

namespace gatehouse {

class FrameReader {
 public:
  // A frame that announces or brings more than `descriptors_max` (at most
  // kFrameDescriptorsMax) descriptors is wrong.
  explicit FrameReader(size_t descriptors_max)
      : descriptors_max_(descriptors_max) {}

  struct Frame {
    std::string payload;  // As it came: not yet known to be JSON.
    std::vector<UniqueFd> descriptors;
  };

  // Reads what is there without blocking, and never beyond the frame; true
  // when it is complete. Errors, after which the connection is of no more use:
  // kUnreachable (the peer has closed it), kInvalidInput and kLimitExceeded
  // (no frame), kOperational.
  Result<bool> ReadAvailable(int unsafe_socket);

  // Nothing of the frame has come yet.
  bool is_empty() const { return decoder_.is_empty(); }
  // Only after ReadAvailable said true; the reader is then as new.
  [[nodiscard]] Frame Take();

 private:
  Result<bool> ReadOnce(int unsafe_socket);
  Result<bool> CheckDescriptors() const;

  size_t descriptors_max_;
  FrameDecoder decoder_;
  std::vector<UniqueFd> descriptors_;
  bool would_block_ = false;
};

}  // namespace gatehouse
