#include "daemon/realtime_sink.h"

#include <utility>

namespace gatehouse {

void RealtimeSink::OnVerdict(FileEvent event, const Verdict& verdict) {
  // Answer before anything else: a process is held still until we do.
  const bool held = event.ticket.pending();
  const bool in_time = held && event.ticket.Settle(verdict);
  const bool late = held && !in_time;
  if (verdict.kind == VerdictKind::kInfected) Detected(event, verdict, late);
  if (event.kind == FileEventKind::kRescan) {
    rescans_.Finish(verdict);
    return;
  }
  if (IsJudged(verdict)) {
    if (late) rescans_.CountLateVerdict();
    return;
  }
  if (!held) statistics_.closes_not_scanned.fetch_add(1);
  // What kills the scanner is not scanned again by these signatures, and a
  // daemon that is stopping scans nothing.
  if (verdict.reason == NotScannedReason::kScanCrashed ||
      verdict.reason == NotScannedReason::kCancelled) {
    return;
  }
  rescans_.Add(std::move(event));
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

}  // namespace gatehouse
