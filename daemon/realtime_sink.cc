#include "daemon/realtime_sink.h"

#include <string>
#include <utility>

#include "base/time.h"
#include "es_adapter/event_file.h"

namespace gatehouse {
namespace {

// What is found by a rescan is late: its event was answered without a verdict,
// or by a process that died.
MonotonicTime IsolateBy(const FileEvent& event) {
  if (event.kind == FileEventKind::kRescan) return MonotonicTime::min();
  return event.deadline;
}

// Whoever opens the file next is denied anyway; a closed one may never be
// looked at again, so that it waits for its turn.
bool MayWait(const FileEvent& event) {
  return event.kind == FileEventKind::kClose ||
         event.kind == FileEventKind::kRescan;
}

// Answers whoever is held. False if the policy had answered already.
bool Answer(FileEvent& event, const Verdict& verdict) {
  return !event.ticket.pending() || event.ticket.Settle(verdict);
}

}  // namespace

void RealtimeSink::OnVerdict(FileEvent event, const Verdict& verdict) {
  const uint32_t flight = std::exchange(event.flight, kNoFlight);
  Conclude(std::move(event), verdict);
  if (flight == kNoFlight) return;
  parts_.in_flight.Finish(flight, verdict, SinkRef(*this));
}

void RealtimeSink::Conclude(FileEvent event, const Verdict& verdict) {
  if (!verdict.allowed_by.empty()) {
    parts_.statistics.allowed_by_hash.fetch_add(1);
  }
  if (UnheldFiles::IsOfRunning(event)) {
    OnRunning(std::move(event), verdict);
    return;
  }
  if (verdict.kind == VerdictKind::kInfected) {
    OnInfected(std::move(event), verdict);
    return;
  }
  // Answer before anything else: a process is held still until we do.
  const bool was_held = event.ticket.pending();
  const bool in_time = Answer(event, verdict);
  parts_.verdicts.Remember(event.file.UnsafeFd(), event.snapshot, verdict);
  Count(event, verdict);
  if (event.kind == FileEventKind::kRescan) {
    parts_.rescans.Finish(verdict);
  } else if (!IsJudged(verdict)) {
    OnNoVerdict(std::move(event), verdict, was_held);
  } else if (!in_time) {
    parts_.rescans.CountLateVerdict();
  }
}

Verdict RealtimeSink::Ruled(const Verdict& verdict) const {
  return parts_.rules == nullptr ? verdict : parts_.rules->Apply(verdict);
}

void RealtimeSink::OnRunning(FileEvent event, const Verdict& verdict) {
  Remediator* const remediator =
      parts_.quarantine == nullptr ? nullptr : &parts_.quarantine->remediator();
  const Verdict ruled = Ruled(verdict);
  if (IsLeftAlone(ruled)) {
    CountLeftAlone(ruled);
    Detection detection;
    detection.threat_name = ruled.threat_name;
    detection.event = std::move(event);
    if (remediator != nullptr &&
        ruled.reason != NotScannedReason::kThreatTypeOff) {
      (void)remediator->RecordInPlace(detection, StatusOfLeftAlone(ruled),
                                      WhyLeftAlone(ruled), true);
    }
    event = std::move(detection.event);
  }
  parts_.programs->OnVerdict(std::move(event), ruled, remediator);
}

void RealtimeSink::OnInfected(FileEvent event, const Verdict& scanned) {
  const bool is_exempt =
      parts_.quarantine != nullptr &&
      parts_.quarantine->exemptions().Covers(event.file.UnsafeFd());
  const Verdict verdict = is_exempt ? scanned : Ruled(scanned);
  if (IsLeftAlone(verdict)) {
    OnLeftAlone(std::move(event), verdict);
    return;
  }
  if (verdict.kind != VerdictKind::kInfected) {
    Conclude(std::move(event), verdict);  // A rule, and not all was looked at.
    return;
  }
  const bool in_time =
      Answer(event, is_exempt ? Verdict::NotScanned(NotScannedReason::kRestored)
                              : verdict);
  Count(event, verdict);
  if (event.kind == FileEventKind::kRescan) {
    parts_.rescans.Finish(verdict);
  } else if (!in_time) {
    parts_.rescans.CountLateVerdict();
  }
  if (is_exempt) {
    parts_.statistics.exempt.fetch_add(1);
    return;
  }
  Detected(event, verdict, !in_time);
  Isolate(std::move(event), verdict);
}

void RealtimeSink::CountLeftAlone(const Verdict& left) {
  SinkStatistics& statistics = parts_.statistics;
  if (left.reason == NotScannedReason::kAllowedThreat) {
    statistics.allowed_threats.fetch_add(1);
    if (!left.allowed_by.empty()) statistics.allowed_contents.fetch_add(1);
  } else if (left.reason == NotScannedReason::kAuditedThreat) {
    statistics.audited_threats.fetch_add(1);
  } else {
    statistics.ignored_threats.fetch_add(1);
  }
}

// It is no clean verdict, so that it is not remembered: when the rule goes, the
// next open finds it again.
void RealtimeSink::OnLeftAlone(FileEvent event, const Verdict& left) {
  const bool in_time = Answer(event, left);
  Count(event, left);
  CountLeftAlone(left);
  if (event.kind == FileEventKind::kRescan) {
    parts_.rescans.Finish(Verdict::Infected(left.threat_name));
  } else if (!in_time) {
    parts_.rescans.CountLateVerdict();
  }
  if (parts_.quarantine == nullptr ||
      left.reason == NotScannedReason::kThreatTypeOff) {
    return;
  }
  Quarantine& quarantine = *parts_.quarantine;
  const Result<FileFacts> facts =
      quarantine.files().Identity(event.file.UnsafeFd());
  if (!facts) return;
  const std::string key = std::to_string(parts_.rules->generation()) + ":" +
                          left.threat_name + ":" + left.allowed_by + ":" +
                          FileKey(*facts);
  if (!quarantine.recorded_files().Add(key)) return;
  const bool may_wait = MayWait(event);
  Detection detection;
  detection.threat_name = left.threat_name;
  detection.leave_as = {0, StatusOfLeftAlone(left), WhyLeftAlone(left)};
  detection.event = std::move(event);
  if (!quarantine.remediator().Submit(std::move(detection), may_wait)) {
    quarantine.recorded_files().Remove(key);
  }
}

// Nobody waits any more.
void RealtimeSink::Count(const FileEvent& event, const Verdict& verdict) {
  const EventTimes& times = event.times;
  if (verdict.reason == NotScannedReason::kCancelled) return;  // We stop.
  // Who followed the scan of another has only that one's verdict.
  const bool was_judged_here = times.judged != MonotonicTime();
  CountedEvent counted;
  counted.now = MonotonicClock::now();
  if (was_judged_here) parts_.costs.Add(event, counted.now);
  counted.kind = event.kind;
  counted.pid = event.pid;
  counted.file = event.key;
  counted.subject = &event;
  counted.look_up_path = [](const void* subject) {
    return PathOf(*static_cast<const FileEvent*>(subject));
  };
  counted.was_scanned =
      was_judged_here && (IsJudged(verdict) || verdict.bytes_scanned != 0);
  if (was_judged_here) counted.scan_time = times.judged - times.taken;
  parts_.activity.Count(counted);
}

void RealtimeSink::OnNoVerdict(FileEvent event, const Verdict& verdict,
                               bool was_held) {
  if (!was_held) parts_.statistics.closes_not_scanned.fetch_add(1);
  // What kills the scanner is not scanned again by these signatures, what is
  // excluded never, and a daemon that is stopping scans nothing.
  if (verdict.reason == NotScannedReason::kScanCrashed ||
      verdict.reason == NotScannedReason::kExcluded ||
      verdict.reason == NotScannedReason::kCancelled) {
    return;
  }
  parts_.rescans.Add(std::move(event));
}

void RealtimeSink::Detected(const FileEvent& event, const Verdict& verdict,
                            bool late) {
  const char* what = "threat found in a closed file";
  std::atomic<uint64_t>* counter = &parts_.statistics.detections_on_close;
  switch (event.kind) {
    case FileEventKind::kExec:
    case FileEventKind::kOpen:
      what = late ? "threat found after its open was allowed"
                  : "open of a threat denied";
      counter = &parts_.statistics.detections_on_open;
      break;
    case FileEventKind::kRescan:
      what = "threat found by a rescan";
      counter = &parts_.statistics.detections_on_rescan;
      break;
    case FileEventKind::kClose:
    case FileEventKind::kCorpus:
      break;
  }
  counter->fetch_add(1);
  parts_.log.Log(Severity::kWarning, what,
                 {{"name", verdict.threat_name},
                  {"path", PathOf(event)},
                  {"pid", std::to_string(event.pid)}});
}

void RealtimeSink::Isolate(FileEvent event, const Verdict& verdict) {
  if (parts_.quarantine == nullptr) return;
  Detection detection;
  detection.threat_name = verdict.threat_name;
  detection.isolate_by = IsolateBy(event);
  if (event.kind == FileEventKind::kClose) {
    detection.closed_at = event.times.arrived == MonotonicTime()
                              ? MonotonicClock::now()
                              : event.times.arrived;
  }
  const bool may_wait = MayWait(event);
  detection.event = std::move(event);
  (void)parts_.quarantine->remediator().Submit(std::move(detection), may_wait);
}

}  // namespace gatehouse
