// UnheldFiles: hands files to be judged to the background workers where no
// event of the kernel holds them: what a watch or a walk over the tree found,
// and programs that run from memory.
//
// Bounded: each file in work holds a descriptor. A file that kills its scanner
// is remembered by a record that outlives the process, as the journal does for
// events; at two strikes its content is not scanned any more.
//
// Thread-safe. The parts must outlive it, and it every event it made.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/unique_fd.h"
#include "engine/crashed_content.h"
#include "engine/event_queue.h"
#include "engine/file_event.h"

struct stat;

namespace gatehouse {

inline constexpr size_t kUnheldFilesMax = 256;

// In shared memory; read by a successor of the same build.
struct UnheldRecord {
  struct Identity {
    std::atomic<uint64_t> device{0};
    std::atomic<uint64_t> inode{0};
    std::atomic<int64_t> changed_ns{0};
  };
  struct Scan {
    std::atomic<uint32_t> is_used{0};
    uint32_t scan_mark = 0;  // engine/crash_mark.h; only through atomic_ref.
    Identity file;
  };
  struct Strikes {
    std::atomic<uint32_t> count{0};
    Identity file;
  };
  static constexpr size_t kStruckMax = 64;

  std::array<Scan, kUnheldFilesMax> scans;
  std::array<Strikes, kStruckMax> struck;  // The oldest is forgotten.
  std::atomic<uint64_t> next_struck{0};
  std::atomic<uint64_t> files{0};    // Handed over since the start.
  std::atomic<uint64_t> strikes{0};  // Scans that killed a worker.
};

struct UnheldFile {
  UniqueFd fd;       // Open for reading.
  std::string path;  // Is shown, and exclusions are asked with it.
  // The process that runs it from memory; 0: no file in memory. Such a one is
  // never excluded, whatever it is called: whoever starts it names it.
  int32_t running_pid = 0;
};

class UnheldFiles {
 public:
  // At most `files_max` in work, never more than kUnheldFilesMax.
  UnheldFiles(EventQueue& queue, CrashedContent& crashed, UnheldRecord& record,
              size_t files_max);

  // Once, at the start of a worker: gives strikes to what its predecessor was
  // scanning when it died, if that was its own fault.
  void Recover(bool own_fault);

  // Has the file judged as one that was closed, if it is regular and has
  // content. Waits for room. False: stop was requested, or the queue is closed.
  bool Judge(UnheldFile file, const std::stop_token& stop);

  // True for an event of ours that is about a program in memory.
  [[nodiscard]] static bool IsOfRunning(const FileEvent& event);

 private:
  struct Owner;

  static void Release(void* owner) noexcept;
  bool IsStruck(const struct stat& file) const;
  void Strike(const UnheldRecord::Identity& file);
  UnheldRecord::Scan* Claim(const std::stop_token& stop);

  EventQueue& queue_;
  CrashedContent& crashed_;
  UnheldRecord& record_;
  const size_t files_max_;
  std::mutex mutex_;
  std::condition_variable_any has_room_;
};

}  // namespace gatehouse
