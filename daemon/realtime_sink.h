// RealtimeSink: acts on the verdicts of real time. Answers first, then hands
// what is malicious to quarantine, counts, logs and queues what has to be
// looked at again.
//
// Thread-safe. What Parts refers to must outlive it.
#pragma once

#include "daemon/log.h"
#include "daemon/memory_programs.h"
#include "daemon/shared_state.h"
#include "engine/event_activity.h"
#include "engine/event_costs.h"
#include "engine/rescan_queue.h"
#include "engine/scans_in_flight.h"
#include "engine/verdict_cache.h"
#include "engine/verdict_sink.h"
#include "quarantine/quarantine.h"
#include "quarantine/threat_rules.h"

namespace gatehouse {

class RealtimeSink {
 public:
  struct Parts {
    RescanQueue& rescans;
    LogWriter& log;
    SinkStatistics& statistics;
    VerdictCache& verdicts;
    ScansInFlight& in_flight;
    EventCosts& costs;
    EventActivity& activity;
    // Null when it could not be opened: threats are denied and stay where they
    // are.
    Quarantine* quarantine = nullptr;
    // Null: no event is of a program in memory.
    MemoryPrograms* programs = nullptr;
    // What is left alone; null: nothing is.
    const ThreatRules* rules = nullptr;
  };
  explicit RealtimeSink(const Parts& parts) : parts_(parts) {}

  void OnVerdict(FileEvent event, const Verdict& verdict);

 private:
  void Conclude(FileEvent event, const Verdict& verdict);
  void OnRunning(FileEvent event, const Verdict& verdict);
  void OnInfected(FileEvent event, const Verdict& verdict);
  void OnLeftAlone(FileEvent event, const Verdict& left);
  void CountLeftAlone(const Verdict& left);
  [[nodiscard]] Verdict Ruled(const Verdict& verdict) const;
  void OnNoVerdict(FileEvent event, const Verdict& verdict, bool was_held);
  void Detected(const FileEvent& event, const Verdict& verdict, bool late);
  void Count(const FileEvent& event, const Verdict& verdict);
  void Isolate(FileEvent event, const Verdict& verdict);

  const Parts parts_;
};
static_assert(VerdictSink<RealtimeSink>);

}  // namespace gatehouse
