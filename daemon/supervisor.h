// The supervisor: starts workers, one after the other, and keeps what must
// survive them. It shares its descriptor table with the worker, so that held
// opens stay held when the worker dies, and parses nothing.
//
// One thread, and no other is ever started in this process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/file_custody.h"
#include "base/lock_probe.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "daemon/options.h"
#include "daemon/service_notifier.h"
#include "daemon/shared_state.h"
#include "daemon/state_lock.h"
#include "es_linux.h"

namespace gatehouse {

class Supervisor {
 public:
  struct Parts {
    const DaemonOptions& options;
    StateLock& state_lock;
    SharedState& shared;
    esl_journal_t* journal = nullptr;
    uint32_t events_max = 0;  // Slots of the journal, of each kind.
    const LockProbe& package_locks;
    const SystemLibraries& libraries;
    int unsafe_listener_fd = -1;  // Clients wait here while there is no worker.
    int unsafe_trace_fd = -1;     // Of --record; -1: none.
  };
  explicit Supervisor(const Parts& parts);

  // Runs until SIGTERM or SIGINT; returns the exit code of the daemon: 0, or
  // that of a first worker that could not begin.
  int Run();

 private:
  enum class Next : uint8_t { kGoOn, kExit };

  bool PrepareSignals();
  void StartWorker();
  [[noreturn]] void BecomeWorker(pid_t supervisor);
  void HandleSignals();
  Next ReapWorker();
  void NoteDeath(int status);
  void CloseStrayDescriptors();
  bool IsBeyondReach() const;
  void CheckHeartbeat();
  void CheckReadiness();
  void AnswerForAbsentWorker();
  void StopWorker();
  int PollMilliseconds() const;
  void Wait();

  const Parts parts_;
  const ServiceNotifier notifier_;
  UniqueFd signal_fd_;
  std::vector<int> kept_fds_;  // Sized once: nothing is allocated after start.
  pid_t worker_ = 0;           // 0: none.
  bool was_ready_ = false;     // Some worker has been ready.
  bool stopping_ = false;
  int exit_code_ = 0;
  uint32_t failures_in_a_row_ = 0;
  uint64_t seen_heartbeat_ = 0;
  MonotonicTime heartbeat_at_;
  MonotonicTime ready_until_;  // When a ready worker was last there.
  MonotonicTime start_at_;     // When to start the next worker.
  MonotonicTime stop_by_ = kNever;
  MonotonicTime killed_at_ = kNever;  // When we killed the worker.
  MonotonicTime notified_at_;
};

}  // namespace gatehouse
