// Proves that what is done per event to remember and to share verdicts
// allocates nothing.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "engine/scans_in_flight.h"
#include "engine/verdict_cache.h"
#include "tests/engine/counted_allocations.h"
#include "tests/engine/counting_responder.h"
#include "tests/engine/file_of_bytes.h"

namespace gatehouse {
namespace {

constexpr int kRounds = 10;

struct Sink {
  void OnVerdict(FileEvent event, const Verdict& verdict) {
    (void)event.ticket.Settle(verdict);
  }
};

class VerdictAllocationTest : public testing::Test {
 protected:
  VerdictAllocationTest() {
    const UniqueFd writer = FileOf("harmless");
    const std::string path =
        "/proc/self/fd/" + std::to_string(writer.UnsafeFd());
    file_.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    clean_.kind = VerdictKind::kClean;
    clean_.generation = 1;
    verdicts_.SetGeneration(1);
  }

  FileSnapshot Begin() const {
    const FileState state = LookAt(file_.UnsafeFd())->state;
    FileSnapshot snapshot =
        verdicts_.Begin(state, state.changed_ns + 2 * kTimestampStepNs);
    snapshot.is_truthful = snapshot.is_quiet = true;
    return snapshot;
  }

  UniqueFd file_;
  Verdict clean_;
  VerdictCacheStatistics statistics_;
  VerdictCache verdicts_{statistics_};
};

TEST_F(VerdictAllocationTest, ToRememberAndToFindAllocatesNothing) {
  const int before = counted_allocations;
  for (int i = 0; i < kRounds; ++i) {
    const FileSnapshot snapshot = Begin();
    verdicts_.Remember(file_.UnsafeFd(), snapshot, clean_);
    EXPECT_TRUE(verdicts_.Find(snapshot.state));
    verdicts_.Touch(snapshot.state);
    verdicts_.Clear();
  }
  EXPECT_EQ(counted_allocations, before);
  EXPECT_EQ(statistics_.insertions.load(), static_cast<uint64_t>(kRounds));
}

TEST_F(VerdictAllocationTest, ToFollowAndToShareAllocatesNothing) {
  EventQueue queue(64);
  InFlightStatistics statistics;
  ScansInFlight flights(queue, verdicts_, statistics);
  CountingResponder responder(2);
  Sink sink;
  const int before = counted_allocations;
  for (int i = 0; i < kRounds; ++i) {
    FileEvent leader;
    FileEvent follower;
    leader.snapshot = follower.snapshot = Begin();
    leader.ticket = responder.Issue(0);
    follower.ticket = responder.Issue(1);
    // Borrowed: nobody closes it.
    follower.file = ScanFile(file_.UnsafeFd(), nullptr, nullptr);
    EXPECT_FALSE(flights.TryFollow(leader));
    EXPECT_TRUE(flights.TryFollow(follower));
    flights.Finish(leader.flight, clean_, SinkRef(sink));
    (void)leader.ticket.Settle(clean_);
  }
  EXPECT_EQ(counted_allocations, before);
  EXPECT_EQ(statistics.shared.load(), static_cast<uint64_t>(kRounds));
}

}  // namespace
}  // namespace gatehouse
