#include "daemon/realtime_sink.h"

#include <utility>

namespace gatehouse {

void RealtimeSink::OnVerdict(FileEvent event, const Verdict& verdict) {
  // Answer before anything else: a process is held still until we do.
  const bool held = event.ticket.pending();
  const bool in_time = held && event.ticket.Settle(verdict);
  const bool late = held && !in_time;
  if (verdict.kind == VerdictKind::kInfected) Detected(event, verdict, late);
  const bool judged = verdict.kind == VerdictKind::kClean ||
                      verdict.kind == VerdictKind::kInfected;
  if (event.kind == FileEventKind::kRescan) rescans_pending_.fetch_sub(1);
  if (event.kind == FileEventKind::kRescan ||
      event.kind == FileEventKind::kAdopted || late) {
    // A late verdict is the rescan that the policy answer owed.
    if (late) statistics_.rescans_queued.fetch_add(1);
    (judged ? statistics_.rescans_finished : statistics_.rescans_inconclusive)
        .fetch_add(1);
    return;
  }
  if (judged || verdict.reason == NotScannedReason::kCancelled) return;
  if (!held) statistics_.closes_not_scanned.fetch_add(1);
  // What kills the scanner is not scanned again by these signatures.
  if (verdict.reason == NotScannedReason::kScanCrashed) return;
  QueueRescan(std::move(event));
}

void RealtimeSink::Detected(const FileEvent& event, const Verdict& verdict,
                            bool late) {
  const char* what = "threat found in a closed file";
  std::atomic<uint64_t>* counter = &statistics_.detections_on_close;
  switch (event.kind) {
    case FileEventKind::kExec:
    case FileEventKind::kOpen:
      what = late ? "threat found after its open was allowed"
                  : "open of a threat denied";
      counter = &statistics_.detections_on_open;
      break;
    case FileEventKind::kRescan:
    case FileEventKind::kAdopted:
      what = "threat found by a rescan";
      counter = &statistics_.detections_on_rescan;
      break;
    case FileEventKind::kClose:
    case FileEventKind::kCorpus:
      break;
  }
  counter->fetch_add(1);
  log_.Log(Severity::kWarning, what,
           {{"name", verdict.threat_name},
            {"path", event.unsafe_path},
            {"pid", std::to_string(event.pid)}});
}

void RealtimeSink::QueueRescan(FileEvent event) {
  event.kind = FileEventKind::kRescan;
  event.deadline = kNever;
  if (rescans_pending_.fetch_add(1) >= kRescansMax ||
      !background_queue_.TryPush(Lane::kOpen, event)) {
    rescans_pending_.fetch_sub(1);
    statistics_.rescans_lost.fetch_add(1);
    return;
  }
  statistics_.rescans_queued.fetch_add(1);
}

}  // namespace gatehouse
