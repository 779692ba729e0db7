#include "daemon/counters_json.h"

#include <array>
#include <atomic>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/time.h"
#include "ipc/json.h"

namespace gatehouse {
namespace {

using CountsByReason =
    std::array<std::atomic<uint64_t>, kNotScannedReasonCount>;

Json ReasonsJson(const CountsByReason& counts) {
  Json reasons = Json::object();
  for (size_t i = 1; i < kNotScannedReasonCount; ++i) {
    reasons[std::string(ReasonWord(static_cast<NotScannedReason>(i)))] =
        counts.at(i).load();
  }
  return reasons;
}

Json AuthJson(const AuthStatistics& auth) {
  return Json{{"ticketsIssued", auth.tickets_issued.load()},
              {"allowedClean", auth.allowed_clean.load()},
              {"allowedEmpty", auth.allowed_empty.load()},
              {"deniedInfected", auth.denied_infected.load()},
              {"allowedSuspicious", auth.allowed_suspicious.load()},
              {"allowedError", auth.allowed_error.load()},
              {"allowedNotScanned", ReasonsJson(auth.allowed_by_reason)},
              {"deniedError", auth.denied_error.load()},
              {"deniedNotScanned", ReasonsJson(auth.denied_by_reason)},
              {"ticketsDropped", auth.tickets_dropped.load()},
              {"responsesRefused", auth.responses_refused.load()},
              {"lateVerdicts", auth.late_verdicts.load()},
              {"lateInfected", auth.late_infected.load()},
              {"talliedMisses", auth.tallied_misses.load()}};
}

Json AdapterJson(const AdapterStatistics& adapter) {
  return Json{{"authMessages", adapter.auth_messages.load()},
              {"execMessages", adapter.exec_messages.load()},
              {"excludedCloses", adapter.excluded_closes.load()},
              {"closeMessages", adapter.close_messages.load()},
              {"startMessages", adapter.start_messages.load()},
              {"emptyCloses", adapter.empty_closes.load()},
              {"crashedContents", adapter.crashed_contents.load()},
              {"crashedContentsFull", adapter.crashed_contents_full.load()},
              {"adoptedRescans", adapter.adopted_rescans.load()},
              {"fullWaits", adapter.full_waits.load()},
              {"withoutFile", adapter.without_file.load()}};
}

Json WorkersJson(const RealtimeStatistics& workers) {
  return Json{{"scansStarted", workers.scans_started.load()},
              {"scansFinished", workers.scans_finished.load()},
              {"bytesScanned", workers.bytes_scanned.load()},
              {"live", workers.workers_live.load()},
              {"stuck", workers.workers_stuck.load()},
              {"replaced", workers.workers_replaced.load()},
              {"replaceFailed", workers.workers_replace_failed.load()},
              {"limitHits", workers.workers_limit_hits.load()}};
}

Json SinkJson(const SinkStatistics& sink) {
  return Json{{"detectionsOnOpen", sink.detections_on_open.load()},
              {"detectionsOnClose", sink.detections_on_close.load()},
              {"detectionsOnRescan", sink.detections_on_rescan.load()},
              {"closesNotScanned", sink.closes_not_scanned.load()},
              {"exempt", sink.exempt.load()},
              {"allowedThreats", sink.allowed_threats.load()},
              {"allowedContents", sink.allowed_contents.load()},
              {"auditedThreats", sink.audited_threats.load()},
              {"ignoredThreats", sink.ignored_threats.load()},
              {"allowedByHash", sink.allowed_by_hash.load()}};
}

Json QuarantineJson(const RemediatorStatistics& remediator) {
  return Json{{"hits", remediator.hits.load()},
              {"hitsAgain", remediator.hits_again.load()},
              {"hitsRefused", remediator.hits_refused.load()},
              {"isolatedInTime", remediator.isolated_in_time.load()},
              {"isolatedLate", remediator.isolated_late.load()},
              {"isolatedAfterClose", remediator.isolated_after_close.load()},
              {"leftAlone", remediator.left_alone.load()},
              {"notIsolated", remediator.not_isolated.load()},
              {"recovered", remediator.recovered.load()},
              {"recordErrors", remediator.record_errors.load()},
              {"pending", remediator.pending.load()},
              {"captured", remediator.captured.load()}};
}

Json HistoryJson(const HistoryStatistics& history) {
  return Json{{"threatsAged", history.threats_aged.load()},
              {"scansAged", history.scans_aged.load()},
              {"itemsCrowded", history.items_crowded.load()},
              {"objectsAged", history.objects_aged.load()}};
}

Json ServerJson(const ServerStatistics& server) {
  return Json{{"accepted", server.accepted.load()},
              {"refused", server.refused.load()},
              {"evicted", server.evicted.load()},
              {"expired", server.expired.load()},
              {"malformed", server.malformed.load()},
              {"sessions", server.sessions_now.load()}};
}

Json BreakerJson(const BreakerRecord& breaker) {
  return Json{{"openings", breaker.openings.load()},
              {"open", breaker.cause.load() != BreakerCause::kNone}};
}

Json FallbackJson(const TreeStatistics& tree, const UnheldRecord& unheld) {
  return Json{{"files", unheld.files.load()},
              {"strikes", unheld.strikes.load()},
              {"inotifyEvents", tree.events.load()},
              {"inotifyOverflows", tree.overflows.load()},
              {"walks", tree.walks.load()},
              {"unreachable", tree.unreachable.load()}};
}

Json MemoryJson(const AdapterStatistics& adapter,
                const MemoryStatistics& memory) {
  return Json{{"starts", adapter.program_starts.load()},
              {"startsHandedOn", adapter.starts_handed_on.load()},
              {"startsFull", adapter.starts_full.load()},
              {"startsMissed", adapter.starts_missed.load()},
              {"looks", memory.looks.load()},
              {"found", memory.found.load()},
              {"gone", memory.gone.load()},
              {"unreachable", memory.unreachable.load()},
              {"clean", memory.clean.load()},
              {"suspicious", memory.suspicious.load()},
              {"detections", memory.detections.load()},
              {"errors", memory.errors.load()},
              {"notScanned", ReasonsJson(memory.not_scanned)},
              {"processesKilled", memory.processes_killed.load()},
              {"processesLeft", memory.processes_left.load()}};
}

Json RescansJson(const RescanStatistics& rescans) {
  return Json{{"queued", rescans.queued.load()},
              {"finished", rescans.finished.load()},
              {"inconclusive", rescans.inconclusive.load()},
              {"lost", rescans.lost.load()}};
}

Json VerdictCacheJson(const VerdictCacheStatistics& cache) {
  return Json{{"hits", cache.hits.load()},
              {"hitsDenied", cache.hits_denied.load()},
              {"misses", cache.misses.load()},
              {"withWriter", cache.with_writer.load()},
              {"insertions", cache.insertions.load()},
              {"refusedFileSystem", cache.refused_file_system.load()},
              {"refusedWriter", cache.refused_writer.load()},
              {"refusedPinnable", cache.refused_pinnable.load()},
              {"refusedFresh", cache.refused_fresh.load()},
              {"refusedChanged", cache.refused_changed.load()},
              {"refusedTouched", cache.refused_touched.load()},
              {"refusedGeneration", cache.refused_generation.load()},
              {"busy", cache.busy.load()},
              {"evictions", cache.evictions.load()},
              {"touches", cache.touches.load()},
              {"clears", cache.clears.load()}};
}

Json InFlightJson(const InFlightStatistics& in_flight) {
  return Json{{"followers", in_flight.followers.load()},
              {"shared", in_flight.shared.load()},
              {"alone", in_flight.alone.load()},
              {"full", in_flight.full.load()}};
}

Json SupervisorJson(const SupervisorStatistics& supervisor) {
  return Json{
      {"workersStarted", supervisor.workers_started.load()},
      {"workerDeaths", supervisor.worker_deaths.load()},
      {"workerDeathsOwnFault", supervisor.worker_deaths_own_fault.load()},
      {"workersUnresponsive", supervisor.workers_unresponsive.load()},
      {"workersAbandoned", supervisor.workers_abandoned.load()},
      {"workerStartFailures", supervisor.worker_start_failures.load()},
      {"descriptorsClosed", supervisor.descriptors_closed.load()}};
}

Json EventSourceJson(const esl_journal_t* journal) {
  esl_statistics_t source = {};
  esl_journal_statistics(journal, &source);
  return Json{{"authEvents", source.auth_events},
              {"notifyEvents", source.notify_events},
              {"allowed", source.allowed},
              {"denied", source.denied},
              {"allowedOwnProcess", source.allowed_own_process},
              {"allowedDeadline", source.allowed_deadline},
              {"deniedDeadline", source.denied_deadline},
              {"allowedMuted", source.allowed_muted},
              {"allowedExpected", source.allowed_expected},
              {"answeredFromCache", source.answered_from_cache},
              {"ignored", source.ignored},
              {"ignoredFull", source.ignored_full},
              {"allowedUnanswered", source.allowed_unanswered},
              {"allowedNoWorker", source.allowed_no_worker},
              {"deniedNoWorker", source.denied_no_worker},
              {"rescansLost", source.rescans_lost},
              {"answersWithoutWaiter", source.answers_without_waiter},
              {"answersFailed", source.answers_failed},
              {"queueOverflows", source.queue_overflows},
              {"readErrors", source.read_errors},
              {"fullStops", source.full_stops},
              {"adopted", source.adopted},
              {"strikes", source.strikes},
              {"nameEvents", source.name_events},
              {"namesLost", source.names_lost},
              {"namesUnresolved", source.names_unresolved},
              {"processEvents", source.process_events},
              {"processesLost", source.processes_lost},
              {"processesGone", source.processes_gone},
              {"mountEvents", source.mount_events},
              {"mountsLost", source.mounts_lost},
              {"mountsUnresolved", source.mounts_unresolved},
              {"malformedRecords", source.malformed_records},
              {"recorded", source.recorded},
              {"recordLost", source.record_lost},
              {"recordingsFailed", source.recordings_failed},
              {"pending", source.pending}};
}

}  // namespace

Json CountersObject(const SharedState& shared, const esl_journal_t* journal) {
  return Json{
      {"takenAtMonotonicNs", MonotonicClock::now().time_since_epoch().count()},
      {"previousRunUnclean", shared.previous_run_unclean.load() != 0},
      {"supervisor", SupervisorJson(shared.supervisor)},
      {"eventSource", EventSourceJson(journal)},
      {"adapter", AdapterJson(shared.adapter)},
      {"auth", AuthJson(shared.auth)},
      {"realtimeWorkers", WorkersJson(shared.realtime)},
      {"backgroundWorkers", WorkersJson(shared.background)},
      {"circuitBreaker", BreakerJson(shared.breaker)},
      {"fallback", FallbackJson(shared.tree, shared.unheld)},
      {"memoryPrograms", MemoryJson(shared.adapter, shared.memory)},
      {"sink", SinkJson(shared.sink)},
      {"rescans", RescansJson(shared.rescans)},
      {"scansInFlight", InFlightJson(shared.in_flight)},
      {"verdictCache", VerdictCacheJson(shared.verdict_cache)},
      {"quarantine", QuarantineJson(shared.remediator)},
      {"history", HistoryJson(shared.history)},
      {"server", ServerJson(shared.server)},
      {"crashedContents", shared.crashed.count.load()}};
}

std::string CountersJson(const SharedState& shared,
                         const esl_journal_t* journal) {
  return CountersObject(shared, journal).dump(2) + "\n";
}

}  // namespace gatehouse
