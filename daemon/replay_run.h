// ReplayRun: the daemon's way of an event, from the client to the sink, with
// events from a trace instead of the kernel's. Without quarantine: nothing is
// moved, and no file of this machine is opened but signatures.
//
// Thread-compatible. Owns its threads. The trace must outlive it.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "daemon/loaded_signatures.h"
#include "daemon/log.h"
#include "daemon/realtime_sink.h"
#include "daemon/shared_state.h"
#include "engine/crashed_content.h"
#include "engine/deny_list.h"
#include "engine/event_queue.h"
#include "engine/exclusions.h"
#include "engine/realtime_workers.h"
#include "engine/rescan_queue.h"
#include "engine/verdict_cache.h"
#include "es_adapter/adapter.h"
#include "es_adapter/auth_ledger.h"
#include "es_adapter/linux/replay_backend.h"
#include "es_linux.h"
#include "trace/trace.h"

namespace gatehouse {

struct ReplayRequest {
  const Trace* trace = nullptr;
  uint64_t rounds = 1;
  // On a virtual clock one thread does everything, in the order of time, and
  // the result depends on nothing else.
  bool is_virtual = false;
  double speed = 0;  // 0: as fast as possible. Without meaning if virtual.
  // What a scan takes on the virtual clock; empty: until it was answered in
  // the trace.
  std::optional<std::chrono::nanoseconds> scan_time;
  std::string definitions_directory;  // Empty: the built-in rule alone.
  int unsafe_record_fd = -1;          // Where to record the replay; -1: not.
  bool keeps_answers = false;         // For ReplayResults::answers_kept.
};

class ReplayRun {
 public:
  static constexpr uint32_t kEventsMax = 4096;

  // Errors: signatures, no memory, too few descriptors.
  static Result<std::unique_ptr<ReplayRun>> Start(const ReplayRequest& request);
  ~ReplayRun();
  ReplayRun(const ReplayRun&) = delete;
  ReplayRun& operator=(const ReplayRun&) = delete;

  // Replays everything and ends. Once.
  Result<bool> Run();

  // Afterwards.
  [[nodiscard]] const ReplayResults& results() const { return replay_.results; }
  [[nodiscard]] std::chrono::nanoseconds duration() const { return duration_; }
  // Opens and starts that were answered by a verdict that was remembered.
  [[nodiscard]] uint64_t cache_hits() const {
    return shared_->verdict_cache.hits.load();
  }
  // The counters of the daemon, as JSON (docs/counters.md).
  [[nodiscard]] std::string Counters() const;

 private:
  explicit ReplayRun(const ReplayRequest& request);

  Result<bool> Open();
  Result<bool> Begin();
  Result<bool> RunThreads();
  Result<bool> RunVirtual();
  void WaitUntilSettled() const;
  Result<bool> End();
  void FinishTickets();

  const ReplayRequest request_;
  VirtualTime virtual_time_;
  const Clock clock_;
  UniqueFd log_fd_;
  LogWriter log_;
  SharedState* const shared_;
  esl_journal_t* const journal_;
  EventQueue auth_queue_;
  EventQueue background_queue_;
  AuthLedger ledger_;
  CrashedContent crashed_;
  DenyList deny_list_;
  Exclusions exclusions_;
  // Knows files by what was recorded of them, which is not what their
  // descriptors say.
  VerdictCache verdicts_;
  ScansInFlight in_flight_;
  EventActivity activity_;
  RescanQueue rescans_;
  Adapter adapter_;
  RealtimeSink sink_;
  LoadedSignatures signatures_;
  esl_replay_t replay_;
  es_client_t* client_ = nullptr;
  std::unique_ptr<RealtimeWorkers> scan_workers_;
  std::unique_ptr<RealtimeWorkers> background_workers_;
  std::chrono::nanoseconds duration_{0};
};

}  // namespace gatehouse
