#include "engine/scans_in_flight.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/engine/counting_responder.h"
#include "tests/engine/file_of_bytes.h"

namespace gatehouse {
namespace {

Verdict Of(VerdictKind kind) {
  Verdict verdict;
  verdict.kind = kind;
  return verdict;
}

// Answers, as the real one does, and counts.
struct Sink {
  void OnVerdict(FileEvent event, const Verdict& verdict) {
    (void)event.ticket.Settle(verdict);
    last_kind = verdict.kind;
    ++verdicts;
  }

  std::atomic<int> verdicts{0};
  std::atomic<VerdictKind> last_kind{VerdictKind::kError};
};

class ScansInFlightTest : public testing::Test {
 protected:
  ScansInFlightTest() {
    const UniqueFd writer = FileOf("harmless");
    path_ = "/proc/self/fd/" + std::to_string(writer.UnsafeFd());
    file_ = OpenFile(O_RDONLY);
    path_ = "/proc/self/fd/" + std::to_string(file_.UnsafeFd());
  }

  UniqueFd OpenFile(int flags) const {
    return UniqueFd(::open(path_.c_str(), flags | O_CLOEXEC));
  }
  FileEvent Event(FileEventKind kind = FileEventKind::kOpen) {
    struct stat status = {};
    EXPECT_EQ(::fstat(file_.UnsafeFd(), &status), 0);
    const FileState state = StateOf(status);
    FileEvent event;
    event.kind = kind;
    event.file = ScanFile(OpenFile(O_RDONLY));
    event.ticket = responder_.Issue(tickets_++);
    event.snapshot =
        verdicts_.Begin(state, state.changed_ns + 2 * kTimestampStepNs);
    event.snapshot.is_truthful = event.snapshot.is_quiet = true;
    return event;
  }
  // The flight of one leader with one follower.
  uint32_t LeaderAndFollower() {
    FileEvent leader = Event();
    EXPECT_FALSE(flights_.TryFollow(leader));
    const uint32_t flight = leader.flight;
    EXPECT_NE(flight, kNoFlight);
    sink_.OnVerdict(std::move(leader), Of(VerdictKind::kClean));
    FileEvent follower = Event();
    EXPECT_TRUE(flights_.TryFollow(follower));
    return flight;
  }
  void Finish(uint32_t flight, VerdictKind kind) {
    flights_.Finish(flight, Of(kind), SinkRef(sink_));
  }
  void ExpectShared(uint64_t shared, uint64_t alone) {
    EXPECT_EQ(statistics_.shared.load(), shared);
    EXPECT_EQ(statistics_.alone.load(), alone);
    EXPECT_EQ(queue_.size(), alone);
  }
  void TearDown() override {
    queue_.Close();
    while (std::optional<FileEvent> event = queue_.Pop(false)) {
      (void)event->ticket.Settle(Of(VerdictKind::kError));
    }
  }

  std::string path_;
  UniqueFd file_;
  CountingResponder responder_{4096};
  size_t tickets_ = 0;
  EventQueue queue_{2048};
  VerdictCacheStatistics verdict_statistics_;
  VerdictCache verdicts_{verdict_statistics_, 64};
  InFlightStatistics statistics_;
  ScansInFlight flights_{queue_, verdicts_, statistics_};
  Sink sink_;
};

TEST_F(ScansInFlightTest, AFollowerGetsTheVerdictOfItsLeader) {
  for (const VerdictKind kind : {VerdictKind::kClean, VerdictKind::kInfected}) {
    Finish(LeaderAndFollower(), kind);
    EXPECT_EQ(sink_.last_kind.load(), kind);
  }
  EXPECT_EQ(sink_.verdicts.load(), 4);
  ExpectShared(2, 0);
}

TEST_F(ScansInFlightTest, WhatIsNoVerdictIsNotShared) {
  for (const VerdictKind kind : {VerdictKind::kNotScanned, VerdictKind::kError,
                                 VerdictKind::kSuspicious}) {
    Finish(LeaderAndFollower(), kind);
  }
  ExpectShared(0, 3);
}

TEST_F(ScansInFlightTest, AFollowerOfAFileWithAWriterIsScannedByItself) {
  const uint32_t flight = LeaderAndFollower();
  const UniqueFd writer = OpenFile(O_RDWR);
  Finish(flight, VerdictKind::kClean);
  ExpectShared(0, 1);
}

TEST_F(ScansInFlightTest, AFollowerOfAFileThatWasTouchedIsScannedByItself) {
  const uint32_t flight = LeaderAndFollower();
  verdicts_.Touch(Event().snapshot.state);
  Finish(flight, VerdictKind::kClean);
  ExpectShared(0, 1);
}

TEST_F(ScansInFlightTest, AFollowerOfAFileThatChangedIsScannedByItself) {
  const uint32_t flight = LeaderAndFollower();
  ASSERT_EQ(::truncate(path_.c_str(), 3), 0);
  Finish(flight, VerdictKind::kClean);
  ExpectShared(0, 1);
}

TEST_F(ScansInFlightTest, NobodyFollowsALeaderOfBeforeATouch) {
  FileEvent leader = Event();
  EXPECT_FALSE(flights_.TryFollow(leader));
  verdicts_.Touch(leader.snapshot.state);
  FileEvent next = Event();
  EXPECT_FALSE(flights_.TryFollow(next));
  EXPECT_NE(next.flight, leader.flight);
}

TEST_F(ScansInFlightTest, NobodyFollowsWhenTheLeaderIsDone) {
  const uint32_t flight = LeaderAndFollower();
  Finish(flight, VerdictKind::kClean);
  FileEvent next = Event();
  EXPECT_FALSE(flights_.TryFollow(next));
  flights_.Withdraw(next.flight);
  FileEvent last = Event();
  EXPECT_FALSE(flights_.TryFollow(last));
}

TEST_F(ScansInFlightTest, AFileThatMayChangeUnseenLeadsNobody) {
  for (bool FileSnapshot::*rule :
       {&FileSnapshot::is_truthful, &FileSnapshot::is_quiet,
        &FileSnapshot::is_settled}) {
    FileEvent event = Event();
    event.snapshot.*rule = false;
    EXPECT_FALSE(flights_.TryFollow(event));
    EXPECT_EQ(event.flight, kNoFlight);
  }
}

TEST_F(ScansInFlightTest, AFileWhosePagesMayBePinnedLeadsNobody) {
  for (int i = 0; i < 2; ++i) {
    FileEvent event = Event();
    event.snapshot.is_pinnable = true;
    EXPECT_FALSE(flights_.TryFollow(event));
    EXPECT_EQ(event.flight, kNoFlight);
    EXPECT_FALSE(verdicts_.IsUnchanged(event.file.UnsafeFd(), event.snapshot));
    (void)event.ticket.Settle(Of(VerdictKind::kClean));
  }
}

TEST_F(ScansInFlightTest, AProgramStartFollowsNoOpen) {
  FileEvent open = Event();
  EXPECT_FALSE(flights_.TryFollow(open));
  FileEvent start = Event(FileEventKind::kExec);
  EXPECT_FALSE(flights_.TryFollow(start));
  EXPECT_NE(start.flight, kNoFlight);
  FileEvent second_start = Event(FileEventKind::kExec);
  EXPECT_TRUE(flights_.TryFollow(second_start));
  Finish(start.flight, VerdictKind::kClean);
  ExpectShared(1, 0);
}

TEST_F(ScansInFlightTest, FollowersAreBounded) {
  FileEvent leader = Event();
  EXPECT_FALSE(flights_.TryFollow(leader));
  for (size_t i = 0; i < ScansInFlight::kFollowersMax; ++i) {
    FileEvent follower = Event();
    ASSERT_TRUE(flights_.TryFollow(follower));
  }
  EXPECT_EQ(statistics_.full.load(), 0U);
  FileEvent one_more = Event();
  EXPECT_FALSE(flights_.TryFollow(one_more));
  Finish(leader.flight, VerdictKind::kClean);
  EXPECT_EQ(statistics_.shared.load(), ScansInFlight::kFollowersMax);
  // And there is room again.
  Finish(LeaderAndFollower(), VerdictKind::kClean);
}

TEST_F(ScansInFlightTest, LeadersAreBounded) {
  for (uint64_t i = 0; i < 4; ++i) {  // As many as share a place.
    FileEvent leader = Event();
    leader.snapshot.touches += i;
    EXPECT_FALSE(flights_.TryFollow(leader));
    EXPECT_NE(leader.flight, kNoFlight);
  }
  FileEvent leader = Event();
  leader.snapshot.touches += 4;
  EXPECT_FALSE(flights_.TryFollow(leader));
  EXPECT_EQ(leader.flight, kNoFlight);
  EXPECT_EQ(statistics_.full.load(), 1U);
}

TEST_F(ScansInFlightTest, AFollowerIsNotLostWhenTheQueueIsClosed) {
  const uint32_t flight = LeaderAndFollower();
  queue_.Close();
  Finish(flight, VerdictKind::kError);
  EXPECT_EQ(sink_.last_kind.load(), VerdictKind::kNotScanned);
  EXPECT_EQ(sink_.verdicts.load(), 2);
}

// For ThreadSanitizer: one reader, as there is, and several workers.
TEST_F(ScansInFlightTest, EveryEventIsAnsweredOnce) {
  constexpr size_t kEvents = 2000;
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < 3; ++i) {
      workers.emplace_back([this] {
        while (std::optional<FileEvent> event = queue_.Pop(false)) {
          const uint32_t flight = event->flight;
          sink_.OnVerdict(std::move(*event), Of(VerdictKind::kClean));
          if (flight != kNoFlight) Finish(flight, VerdictKind::kClean);
        }
      });
    }
    for (size_t i = 0; i < kEvents; ++i) {
      FileEvent event = Event();
      if (flights_.TryFollow(event)) continue;
      while (!queue_.TryPush(Lane::kOpen, event)) std::this_thread::yield();
    }
    queue_.Close();
  }
  EXPECT_EQ(sink_.verdicts.load(), static_cast<int>(kEvents));
  EXPECT_EQ(statistics_.followers.load(),
            statistics_.shared.load() + statistics_.alone.load());
}

}  // namespace
}  // namespace gatehouse
