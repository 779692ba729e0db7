// The worker: the process that reads events, scans and answers. It can die at
// any time; the supervisor starts another one, which takes over.
//
// Runs in a process cloned by the supervisor, on a thread of its own: glibc
// believes the first thread to be the supervisor's.
#pragma once

#include <cstdint>

#include "base/file_custody.h"
#include "base/lock_probe.h"
#include "daemon/options.h"
#include "daemon/shared_state.h"
#include "es_linux.h"

namespace gatehouse {

struct WorkerParts {
  const DaemonOptions& options;
  SharedState& shared;
  esl_journal_t* journal = nullptr;
  uint32_t events_max = 0;     // Slots of the journal, of each kind.
  uint64_t worker_number = 0;  // Of SupervisorStatistics::workers_started.
  const LockProbe& package_locks;
  const SystemLibraries& libraries;
  int unsafe_listener_fd = -1;  // Where clients connect; the supervisor's.
  int unsafe_trace_fd = -1;     // Where to record; the supervisor's. -1: not.
};

// Returns the exit code of the process: 0 after an orderly stop, 1 when it
// could not begin (the reason has been logged).
int RunWorker(const WorkerParts& parts);

}  // namespace gatehouse
