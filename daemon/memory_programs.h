// MemoryPrograms: judges programs that run from memory alone (memfd_create and
// execveat), and ends those that are malicious.
//
// No open of such a program is held: it is on no file system that can be
// marked. The kernel says that a process has started a program, and this looks
// whether it is one of those, has it scanned while it runs, and kills every
// process that runs it. docs/decisions/0016 says why it is not stopped
// meanwhile.
//
// A look at all processes finds what nobody told: what ran before, what the
// kernel lost, what a dead worker had in work.
//
// Thread-safe. Owns its thread. What Parts refers to must outlive it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <thread>

#include "daemon/log.h"
#include "daemon/running_program.h"
#include "daemon/unheld_files.h"
#include "engine/file_event.h"
#include "engine/verdict.h"
#include "es_adapter/started_programs.h"
#include "quarantine/remediator.h"

namespace gatehouse {

// In shared memory.
struct MemoryStatistics {
  std::atomic<uint64_t> looks{0};        // At all processes.
  std::atomic<uint64_t> found{0};        // Programs in memory: to be judged.
  std::atomic<uint64_t> gone{0};         // Over before they could be looked at.
  std::atomic<uint64_t> unreachable{0};  // No descriptor, or another error.
  std::atomic<uint64_t> clean{0};
  std::atomic<uint64_t> suspicious{0};  // Let run.
  std::atomic<uint64_t> detections{0};
  std::atomic<uint64_t> errors{0};  // Scans that could not read.
  // Without a verdict, by reason.
  std::array<std::atomic<uint64_t>, kNotScannedReasonCount> not_scanned = {};
  std::atomic<uint64_t> processes_killed{0};
  std::atomic<uint64_t> processes_left{0};  // Should be gone, and are not.
};

class MemoryPrograms {
 public:
  struct Parts {
    StartedPrograms& starts;
    UnheldFiles& files;
    MemoryStatistics& statistics;
    LogWriter& log;
  };
  explicit MemoryPrograms(const Parts& parts);

  void Start();
  // Nothing is handed to be judged after it. Again: nothing.
  void Stop() { thread_ = std::jthread(); }

  // What a scan of one found, on the thread that scanned: kills who runs it if
  // it is malicious, and records it. `remediator` may be null. Blocks until
  // those are gone, for kEndMax at most, and for a flush.
  void OnVerdict(FileEvent event, const Verdict& verdict,
                 Remediator* remediator);

 private:
  // Of processes that run one file.
  struct Ended {
    size_t killed = 0;
    size_t left = 0;
  };

  void Run(const std::stop_token& stop);
  void LookAtAll(const std::stop_token& stop);
  void LookAt(pid_t pid, const std::stop_token& stop);
  std::optional<RunningProgram> Find(pid_t pid);
  Ended EndAll(dev_t device, ino_t inode);
  void OnInfected(FileEvent event, const Verdict& verdict,
                  Remediator* remediator);

  const Parts parts_;
  const MemoryFileSystems memory_;
  std::jthread thread_;  // Last: it uses the members above.
};

}  // namespace gatehouse
