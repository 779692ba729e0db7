// SharedState: what the supervisor and all its workers, one after the other,
// know in common. Shared memory; counters survive the worker that counted.
//
// Thread-safe and process-safe: atomics only. Never freed.
#pragma once

#include <atomic>
#include <cstdint>

#include "daemon/active_definitions.h"
#include "daemon/memory_programs.h"
#include "daemon/tree_watch.h"
#include "daemon/unheld_files.h"
#include "engine/crashed_content.h"
#include "engine/event_costs.h"
#include "engine/realtime_workers.h"
#include "engine/rescan_queue.h"
#include "engine/scans_in_flight.h"
#include "engine/verdict_cache.h"
#include "es_adapter/adapter.h"
#include "es_adapter/auth_ledger.h"
#include "es_adapter/circuit_breaker.h"
#include "es_adapter/miss_policy.h"
#include "es_linux.h"
#include "ipc/server_limits.h"
#include "quarantine/history_keeper.h"
#include "quarantine/remediator.h"

namespace gatehouse {

struct SinkStatistics {
  std::atomic<uint64_t> detections_on_open{0};
  std::atomic<uint64_t> detections_on_close{0};
  std::atomic<uint64_t> detections_on_rescan{0};
  std::atomic<uint64_t> closes_not_scanned{0};  // No verdict; queued again.
  std::atomic<uint64_t> exempt{0};  // Hits that an administrator restored.
  // Hits that a rule leaves alone: by name or content; of those, by content; by
  // type, recorded; by type.
  std::atomic<uint64_t> allowed_threats{0};
  std::atomic<uint64_t> allowed_contents{0};
  std::atomic<uint64_t> audited_threats{0};
  std::atomic<uint64_t> ignored_threats{0};
  std::atomic<uint64_t> allowed_by_hash{0};  // Clean by the signatures.
};

// Written by the supervisor.
struct SupervisorStatistics {
  std::atomic<uint64_t> workers_started{0};
  std::atomic<uint64_t> worker_deaths{0};
  std::atomic<uint64_t> worker_deaths_own_fault{0};
  std::atomic<uint64_t> workers_unresponsive{0};  // Killed: no heart-beat.
  std::atomic<uint64_t> workers_abandoned{0};     // Killed, and still there.
  std::atomic<uint64_t> worker_start_failures{0};
  std::atomic<uint64_t> descriptors_closed{0};  // Ranges, after deaths.
};

// Who may work with the journal: one process at a time.
enum class JournalOwner : uint32_t { kNobody, kWorker, kSupervisor };

// SharedState::protection_ready.
inline constexpr uint32_t kProtectionNone = 0;
inline constexpr uint32_t kProtectionObserves = 1;  // What was written.
inline constexpr uint32_t kProtectionHolds = 2;     // Opens and starts, too.

// The circuit breaker, as its last worker left it.
struct BreakerRecord {
  std::atomic<BreakerCause> cause{BreakerCause::kNone};  // kNone: closed.
  std::atomic<uint32_t> doublings{0};
  std::atomic<int64_t> since_ms{0};  // Wall clock, of the last opening.
  std::atomic<uint64_t> openings{0};
};

// What the kernel can do for us.
struct KernelFeatures {
  int error_number = 0;  // With which fanotify is refused; 0: it is not.
  esl_kernel_features_t fanotify = {};
};

struct SharedState {
  // Grows about twice a second while a worker is alive, the reader of its
  // events and the timers of its deadlines included.
  std::atomic<uint64_t> heartbeat{0};
  // The number (workers_started) of the worker that is ready, else 0.
  std::atomic<uint64_t> ready_worker{0};
  // What the protected file systems are marked for; marks outlive workers.
  std::atomic<uint32_t> protection_ready{kProtectionNone};
  // File systems that were marked when protection was enabled.
  std::atomic<uint32_t> marks_wanted{0};
  std::atomic<uint32_t> stop_requested{0};
  std::atomic<JournalOwner> journal_owner{JournalOwner::kNobody};
  // waitpid status of the last dead worker; -1 if there was none.
  std::atomic<int> last_death{-1};
  std::atomic<uint64_t> oom_kills_at_start{0};  // Of /proc/vmstat.
  // How the predecessor left this state directory.
  std::atomic<uint32_t> previous_run_unclean{0};
  // As the last configuration said; the supervisor answers by it, too.
  MissSettings miss;
  BreakerRecord breaker;
  ActiveDefinitions active_definitions = {};
  // Looked at once, before the first worker.
  KernelFeatures kernel;
  uint32_t fault_word = 0;  // engine/crash_mark.h; only through atomic_ref.

  SupervisorStatistics supervisor;
  AuthStatistics auth;
  AdapterStatistics adapter;
  RealtimeStatistics realtime;
  RealtimeStatistics background;
  SinkStatistics sink;
  EventCosts costs;
  RescanStatistics rescans;
  VerdictCacheStatistics verdict_cache;
  InFlightStatistics in_flight;
  RemediatorStatistics remediator;
  HistoryStatistics history;
  ServerStatistics server;
  CrashedContentTable crashed;
  TreeStatistics tree;
  UnheldRecord unheld;
  MemoryStatistics memory;
};

// Null if there is no memory.
[[nodiscard]] SharedState* CreateSharedState();

}  // namespace gatehouse
