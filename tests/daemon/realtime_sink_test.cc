#include "daemon/realtime_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "tests/engine/counting_responder.h"

namespace gatehouse {
namespace {

using testing::Each;
using testing::HasSubstr;

struct Expected {
  uint64_t on_open = 0;
  uint64_t on_close = 0;
  uint64_t on_rescan = 0;
  uint64_t queued = 0;
  uint64_t finished = 0;
  uint64_t inconclusive = 0;
  uint64_t lost = 0;
  uint64_t closes_not_scanned = 0;
};

Verdict Clean() {
  Verdict verdict;
  verdict.kind = VerdictKind::kClean;
  return verdict;
}

Verdict Infected() {
  Verdict verdict;
  verdict.kind = VerdictKind::kInfected;
  verdict.threat_name = "Test.Evil";
  return verdict;
}

Verdict NotScanned(NotScannedReason reason) {
  return Verdict::NotScanned(reason);
}

ThreatRules::Rules AllowedName(const std::string& name) {
  ThreatRules::Rules rules;
  rules.names[name] = ThreatRules::kNeverExpires;
  return rules;
}

class RealtimeSinkTest : public testing::Test {
 protected:
  static constexpr size_t kQueueMax = 2 * RescanQueue::kRescansMax;

  RealtimeSinkTest() {
    std::array<int, 2> ends = {-1, -1};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    log_read_.Reset(ends[0]);
    log_write_.Reset(ends[1]);
    log_.emplace(log_write_.UnsafeFd());
    rescans_.emplace(queue_, rescan_statistics_);
    sink_.emplace(RealtimeSink::Parts{*rescans_, *log_, statistics_, verdicts_,
                                      in_flight_, costs_, activity_, nullptr,
                                      nullptr, &rules_});
  }

  static FileEvent Event(FileEventKind kind) {
    FileEvent event;
    event.kind = kind;
    event.pid = 77;
    event.unsafe_path = "/some/file";
    event.deadline = MonotonicTime();
    return event;
  }
  // Somebody is held.
  void Held(FileEventKind kind, const Verdict& verdict) {
    FileEvent event = Event(kind);
    event.ticket = responder_.Issue(0);
    sink_->OnVerdict(std::move(event), verdict);
    EXPECT_THAT(responder_.Settled(), Each(1U));
    EXPECT_EQ(responder_.last_kind(), verdict.kind);
  }
  void HeldTooLong(FileEventKind kind, const Verdict& verdict) {
    responder_.AnswerLate();
    Held(kind, verdict);
  }
  // Nobody is.
  void Free(FileEventKind kind, const Verdict& verdict) {
    sink_->OnVerdict(Event(kind), verdict);
  }

  void ExpectCounted(const Expected& expected) {
    EXPECT_EQ(statistics_.detections_on_open.load(), expected.on_open);
    EXPECT_EQ(statistics_.detections_on_close.load(), expected.on_close);
    EXPECT_EQ(statistics_.detections_on_rescan.load(), expected.on_rescan);
    EXPECT_EQ(rescan_statistics_.queued.load(), expected.queued);
    EXPECT_EQ(rescan_statistics_.finished.load(), expected.finished);
    EXPECT_EQ(rescan_statistics_.inconclusive.load(), expected.inconclusive);
    EXPECT_EQ(rescan_statistics_.lost.load(), expected.lost);
    EXPECT_EQ(statistics_.closes_not_scanned.load(),
              expected.closes_not_scanned);
    EXPECT_THAT(responder_.Dropped(), Each(0U));
  }
  std::string Log() {
    log_->Flush();
    std::array<char, 4096> text = {};
    const ssize_t count =
        ::read(log_read_.UnsafeFd(), text.data(), text.size());
    return {text.data(), count > 0 ? static_cast<size_t>(count) : 0};
  }
  // Needs an answer, cannot be given now: what is looked at again.
  void QueueRescans(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Free(FileEventKind::kClose, NotScanned(NotScannedReason::kTimeLimit));
    }
  }

  UniqueFd log_read_;
  UniqueFd log_write_;
  std::optional<LogWriter> log_;
  CountingResponder responder_{1};
  EventQueue queue_{kQueueMax};
  SinkStatistics statistics_;
  VerdictCacheStatistics verdict_statistics_;
  VerdictCache verdicts_{verdict_statistics_};
  InFlightStatistics in_flight_statistics_;
  ScansInFlight in_flight_{queue_, verdicts_, in_flight_statistics_};
  RescanStatistics rescan_statistics_;
  std::optional<RescanQueue> rescans_;
  EventCosts costs_;
  EventActivity activity_;
  ThreatRules rules_;
  std::optional<RealtimeSink> sink_;
};

// --- Held opens --------------------------------------------------------------

TEST_F(RealtimeSinkTest, AnswersACleanOpenAndIsDone) {
  Held(FileEventKind::kOpen, Clean());
  ExpectCounted({});
  EXPECT_EQ(queue_.size(), 0U);
  EXPECT_EQ(Log(), "");
}

TEST_F(RealtimeSinkTest, CountsWhatAnEventCostAndWhoCausedIt) {
  for (const FileEventKind kind :
       {FileEventKind::kOpen, FileEventKind::kClose}) {
    FileEvent event = Event(kind);
    event.times.arrived = MonotonicClock::now();
    event.times.taken = event.times.arrived + std::chrono::microseconds{3};
    event.times.judged = event.times.taken + std::chrono::microseconds{5};
    sink_->OnVerdict(std::move(event), Clean());
    EXPECT_EQ(costs_.by_kind.at(static_cast<size_t>(kind))
                  .at(static_cast<size_t>(CostPhase::kScan))
                  .total(),
              1U);
  }
  const std::vector<ProcessActivity> processes = activity_.Processes();
  ASSERT_EQ(processes.size(), 1U);
  EXPECT_EQ(processes.front().pid, 77);
  EXPECT_EQ(processes.front().auth_count, 1U);
  EXPECT_EQ(processes.front().notify_count, 1U);
  EXPECT_EQ(processes.front().files_scanned, 2U);
  EXPECT_EQ(processes.front().scan_ns, 10'000U);
  ASSERT_EQ(activity_.Files().size(), 1U);
  EXPECT_EQ(activity_.Files().front().path, "/some/file");
}

TEST_F(RealtimeSinkTest, LogsAThreatWhoseOpenWasDenied) {
  Held(FileEventKind::kOpen, Infected());
  ExpectCounted({.on_open = 1});
  EXPECT_EQ(queue_.size(), 0U);
  EXPECT_THAT(Log(), HasSubstr("warning open of a threat denied "
                               "name=\"Test.Evil\" path=\"/some/file\" "
                               "pid=\"77\"\n"));
}

TEST_F(RealtimeSinkTest, LogsAThreatWhoseStartWasDenied) {
  Held(FileEventKind::kExec, Infected());
  ExpectCounted({.on_open = 1});
}

TEST_F(RealtimeSinkTest, ALateVerdictIsTheRescanThatWasOwed) {
  HeldTooLong(FileEventKind::kOpen, Clean());
  ExpectCounted({.queued = 1, .finished = 1});
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(RealtimeSinkTest, SaysWhenAThreatWasFoundTooLate) {
  HeldTooLong(FileEventKind::kOpen, Infected());
  ExpectCounted({.on_open = 1, .queued = 1, .finished = 1});
  EXPECT_THAT(Log(), HasSubstr("threat found after its open was allowed"));
}

TEST_F(RealtimeSinkTest, LooksAgainAtWhatWasLateAndWithoutAVerdict) {
  HeldTooLong(FileEventKind::kOpen, NotScanned(NotScannedReason::kTimeLimit));
  ExpectCounted({.queued = 1});
  EXPECT_EQ(queue_.size(), 1U);
}

TEST_F(RealtimeSinkTest, LooksAgainAtWhatWasAllowedWithoutAVerdict) {
  Held(FileEventKind::kOpen, NotScanned(NotScannedReason::kTimeLimit));
  ExpectCounted({.queued = 1});
  queue_.Close();
  const std::optional<FileEvent> event = queue_.Pop(false);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, FileEventKind::kRescan);
  EXPECT_EQ(event->deadline, kNever);
  EXPECT_EQ(event->pid, 77);
  EXPECT_FALSE(event->ticket.pending());
}

TEST_F(RealtimeSinkTest, LooksAgainAtWhatCouldNotBeRead) {
  Held(FileEventKind::kOpen, Verdict::FromErrno(5));
  ExpectCounted({.queued = 1});
}

TEST_F(RealtimeSinkTest, DoesNotLookAgainAtWhatKillsTheScanner) {
  Held(FileEventKind::kOpen, NotScanned(NotScannedReason::kScanCrashed));
  ExpectCounted({});
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(RealtimeSinkTest, DoesNotLookAgainWhenItIsShuttingDown) {
  Held(FileEventKind::kOpen, NotScanned(NotScannedReason::kCancelled));
  Free(FileEventKind::kClose, NotScanned(NotScannedReason::kCancelled));
  ExpectCounted({.closes_not_scanned = 1});
  EXPECT_EQ(queue_.size(), 0U);
}

// --- Left alone
// ---------------------------------------------------------------

TEST_F(RealtimeSinkTest, AllowsAThreatWhoseNameIsAllowedAndCountsIt) {
  rules_.Set(AllowedName("Test.Evil"));
  Verdict verdict = Infected();
  verdict.knows_all_names = true;
  FileEvent event = Event(FileEventKind::kOpen);
  event.ticket = responder_.Issue(0);
  sink_->OnVerdict(std::move(event), verdict);
  EXPECT_EQ(responder_.last_kind(), VerdictKind::kNotScanned);
  ExpectCounted({});
  Free(FileEventKind::kClose, verdict);
  EXPECT_EQ(statistics_.allowed_threats.load(), 2U);
  EXPECT_EQ(queue_.size(), 0U);
  EXPECT_EQ(verdict_statistics_.insertions.load(), 0U);
  EXPECT_EQ(Log(), "");
  // The name is gone: found again.
  rules_.Set({});
  Free(FileEventKind::kClose, verdict);
  ExpectCounted({.on_close = 1});
}

TEST_F(RealtimeSinkTest, AllowsAThreatWhoseContentIsAllowedAndCountsIt) {
  ThreatRules::Rules rules;
  rules.contents["abc"] = ThreatRules::kNeverExpires;
  rules_.Set(rules);
  Verdict verdict = Infected();
  verdict.sha256 = "abc";
  FileEvent event = Event(FileEventKind::kOpen);
  event.ticket = responder_.Issue(0);
  sink_->OnVerdict(std::move(event), verdict);
  EXPECT_EQ(responder_.last_kind(), VerdictKind::kNotScanned);
  EXPECT_EQ(statistics_.allowed_threats.load(), 1U);
  EXPECT_EQ(statistics_.allowed_contents.load(), 1U);
  EXPECT_EQ(statistics_.allowed_by_hash.load(), 0U);
  EXPECT_EQ(verdict_statistics_.insertions.load(), 0U);
  ExpectCounted({});
  // Of another content it is what it is.
  verdict.sha256 = "abd";
  Free(FileEventKind::kClose, verdict);
  ExpectCounted({.on_close = 1});
}

TEST_F(RealtimeSinkTest, AllowsAndCountsWhatAHashAllows) {
  Verdict verdict;
  verdict.kind = VerdictKind::kClean;
  verdict.threat_name = "Test.Evil";
  verdict.allowed_by = "Known.Good";
  Held(FileEventKind::kOpen, verdict);
  EXPECT_EQ(responder_.last_kind(), VerdictKind::kClean);
  Free(FileEventKind::kClose, verdict);
  EXPECT_EQ(statistics_.allowed_by_hash.load(), 2U);
  ExpectCounted({});
}

TEST_F(RealtimeSinkTest, DeniesWhatHidesBehindAnAllowedName) {
  rules_.Set(AllowedName("Test.Evil"));
  Verdict verdict = Infected();
  verdict.knows_all_names = true;
  verdict.other_names = {"Test.Worse"};
  Held(FileEventKind::kOpen, verdict);
  ExpectCounted({.on_open = 1});
  EXPECT_THAT(Log(), HasSubstr("name=\"Test.Worse\""));
}

TEST_F(RealtimeSinkTest, LooksAgainAtAnAllowedFileThatWasNotReadToItsEnd) {
  rules_.Set(AllowedName("Test.Evil"));
  Verdict verdict = Infected();
  verdict.unfinished = NotScannedReason::kTimeLimit;
  FileEvent event = Event(FileEventKind::kOpen);
  event.ticket = responder_.Issue(0);
  sink_->OnVerdict(std::move(event), verdict);
  EXPECT_EQ(responder_.last_kind(), VerdictKind::kNotScanned);
  ExpectCounted({.queued = 1});
  EXPECT_EQ(statistics_.allowed_threats.load(), 0U);
}

TEST_F(RealtimeSinkTest, CountsByTypeWhatIsAuditedAndWhatIsOff) {
  Verdict verdict = Verdict::Infected("PUA.Tool");
  verdict.knows_all_names = true;
  Free(FileEventKind::kClose, verdict);
  EXPECT_EQ(statistics_.audited_threats.load(), 1U);
  rules_.Set({{}, {}, {ThreatTypeAction::kOff, ThreatTypeAction::kOff}});
  QueueRescans(1);
  Free(FileEventKind::kRescan, verdict);
  EXPECT_EQ(statistics_.ignored_threats.load(), 1U);
  ExpectCounted({.queued = 1, .finished = 1, .closes_not_scanned = 1});
}

// --- Closed files ------------------------------------------------------------

TEST_F(RealtimeSinkTest, IsDoneWithACleanClosedFile) {
  Free(FileEventKind::kClose, Clean());
  ExpectCounted({});
}

TEST_F(RealtimeSinkTest, LogsAThreatInAClosedFile) {
  Free(FileEventKind::kClose, Infected());
  ExpectCounted({.on_close = 1});
  EXPECT_THAT(Log(), HasSubstr("threat found in a closed file"));
}

TEST_F(RealtimeSinkTest, LooksAgainAtAClosedFileThatWasNotScanned) {
  Free(FileEventKind::kClose, NotScanned(NotScannedReason::kTimeLimit));
  ExpectCounted({.queued = 1, .closes_not_scanned = 1});
  EXPECT_EQ(queue_.size(), 1U);
}

TEST_F(RealtimeSinkTest, CountsAClosedFileThatKillsTheScanner) {
  Free(FileEventKind::kClose, NotScanned(NotScannedReason::kScanCrashed));
  ExpectCounted({.closes_not_scanned = 1});
  EXPECT_EQ(queue_.size(), 0U);
}

// --- Rescans -----------------------------------------------------------------

TEST_F(RealtimeSinkTest, FinishesARescanWithAVerdict) {
  QueueRescans(2);
  Free(FileEventKind::kRescan, Clean());
  Free(FileEventKind::kRescan, Infected());
  ExpectCounted(
      {.on_rescan = 1, .queued = 2, .finished = 2, .closes_not_scanned = 2});
  EXPECT_THAT(Log(), HasSubstr("threat found by a rescan"));
}

TEST_F(RealtimeSinkTest, RescansOnce) {
  QueueRescans(1);
  Free(FileEventKind::kRescan, NotScanned(NotScannedReason::kTimeLimit));
  ExpectCounted({.queued = 1, .inconclusive = 1, .closes_not_scanned = 1});
  EXPECT_EQ(queue_.size(), 1U);  // The first alone.
}

TEST_F(RealtimeSinkTest, KeepsNoMoreRescansThanTheMost) {
  QueueRescans(RescanQueue::kRescansMax + 3);
  ExpectCounted({.queued = RescanQueue::kRescansMax,
                 .lost = 3,
                 .closes_not_scanned = RescanQueue::kRescansMax + 3});
  EXPECT_EQ(queue_.size(), RescanQueue::kRescansMax);
  // One that is over makes room for another.
  Free(FileEventKind::kRescan, Clean());
  QueueRescans(2);
  EXPECT_EQ(rescan_statistics_.queued.load(), RescanQueue::kRescansMax + 1);
  EXPECT_EQ(rescan_statistics_.lost.load(), 4U);
}

TEST_F(RealtimeSinkTest, CountsARescanThatTheQueueDidNotTake) {
  queue_.Close();
  QueueRescans(RescanQueue::kRescansMax + 1);
  ExpectCounted({.lost = RescanQueue::kRescansMax + 1,
                 .closes_not_scanned = RescanQueue::kRescansMax + 1});
}

}  // namespace
}  // namespace gatehouse
