#include "engine/realtime_workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "engine/crash_mark.h"
#include "engine/scan_probe.h"
#include "tests/becomes_true.h"
#include "tests/engine/counting_responder.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

using std::chrono_literals::operator""ms;
using testing::Each;

constexpr std::string_view kStickyContent = "STUCK";
constexpr std::string_view kEvilContent = "evil marker";

// Scans of kStickyContent stop at the gate until it is opened.
struct Gate {
  std::atomic<bool> open{false};
  std::atomic<uint32_t> waiting{0};
  void Open() {
    open.store(true);
    open.notify_all();
  }
};
Gate gate;

constexpr uint32_t kBuffersWithoutEnd = UINT32_MAX;
std::atomic<uint32_t> buffers_left{kBuffersWithoutEnd};

}  // namespace

// The probe of this program: see engine/scan_probe.h.
void BeforeScan(int fd) noexcept {
  std::array<char, kStickyContent.size()> head = {};
  if (::pread(fd, head.data(), head.size(), 0) < 1) return;
  if (std::string_view(head.data(), head.size()) != kStickyContent) return;
  gate.waiting.fetch_add(1);
  gate.open.wait(false);
  gate.waiting.fetch_sub(1);
}

// Aligned memory that fails when there is none left: a scanner takes one such
// buffer, and says so. Replaces that of the C library in this program.
extern "C" void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  constexpr size_t kScannersBytesMin = size_t{64} << 10;
  if (bytes >= kScannersBytesMin && buffers_left.load() != kBuffersWithoutEnd) {
    if (buffers_left.load() == 0) return nullptr;
    buffers_left.fetch_sub(1);
  }
  void* memory = nullptr;
  return ::posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

namespace {

struct Outcome {
  int32_t pid = 0;
  VerdictKind kind = VerdictKind::kError;
  NotScannedReason reason = NotScannedReason::kNone;
};

class RecordingSink {
 public:
  void OnVerdict(FileEvent event, const Verdict& verdict) {
    if (event.ticket.pending()) (void)event.ticket.Settle(verdict);
    const MutexLock lock(mutex_);
    outcomes_.push_back({event.pid, verdict.kind, verdict.reason});
  }
  std::vector<Outcome> Outcomes() {
    const MutexLock lock(mutex_);
    return outcomes_;
  }
  bool Reaches(size_t count) {
    return BecomesTrue([&] { return Outcomes().size() >= count; });
  }

 private:
  Mutex mutex_;
  std::vector<Outcome> outcomes_ GATEHOUSE_GUARDED_BY(mutex_);
};

class RealtimeWorkersTest : public testing::Test {
 protected:
  RealtimeWorkersTest() {
    gate.open.store(false);
    options_.workers = 1;
    options_.exec_reserved = 1;
    options_.workers_max = 4;
    options_.stuck_after = 1ms;
  }
  void TearDown() override { gate.Open(); }

  void Start(const CrashedContent* crashed = nullptr) {
    auto workers = RealtimeWorkers::Start(
        queue_, MakeSet({Body("Test.Evil", kEvilContent)}), SinkRef(sink_),
        crashed, statistics_, options_);
    ASSERT_TRUE(workers.has_value());
    workers_ = std::move(*workers);
  }
  Result<bool> Use(std::shared_ptr<const SignatureSet> set) {
    Result<RealtimeWorkers::PreparedSet> prepared =
        workers_->Prepare(std::move(set));
    if (!prepared) return Unexpected(prepared.error());
    prepared->Use();
    return true;
  }
  void Push(std::string_view content, Lane lane = Lane::kOpen) {
    Push(content, lane, queue_);
  }
  void Push(std::string_view content, Lane lane, EventQueue& queue) {
    FileEvent event;
    event.pid = next_pid_++;
    event.file = ScanFile(FileOf(content));
    event.ticket = responder_.Issue(static_cast<uint64_t>(event.pid));
    ASSERT_TRUE(queue.TryPush(lane, event));
  }
  // Holds up one worker, and waits until it is.
  void PushStuck(uint32_t stuck_then, Lane lane = Lane::kOpen) {
    Push(kStickyContent, lane);
    ASSERT_TRUE(BecomesTrue([&] { return gate.waiting == stuck_then; }));
  }
  uint64_t Live() const { return statistics_.workers_live.load(); }

  static constexpr size_t kTicketsMax = 2048;
  CountingResponder responder_{kTicketsMax};
  EventQueue queue_{kTicketsMax};
  RecordingSink sink_;
  RealtimeStatistics statistics_;
  RealtimeWorkersOptions options_;
  std::unique_ptr<RealtimeWorkers> workers_;
  int32_t next_pid_ = 0;
};

TEST_F(RealtimeWorkersTest, JudgesWhatIsPushed) {
  Start();
  Push("harmless");
  Push(kEvilContent, Lane::kExec);
  ASSERT_TRUE(sink_.Reaches(2));
  workers_.reset();
  for (const Outcome& outcome : sink_.Outcomes()) {
    EXPECT_EQ(outcome.kind,
              outcome.pid == 0 ? VerdictKind::kClean : VerdictKind::kInfected);
  }
  EXPECT_EQ(statistics_.scans_started.load(), 2U);
  EXPECT_EQ(statistics_.scans_finished.load(), 2U);
  EXPECT_EQ(statistics_.bytes_scanned.load(), 8U + kEvilContent.size());
}

TEST_F(RealtimeWorkersTest, StartsAsManyWorkersAsAsked) {
  options_.workers = 3;
  Start();
  EXPECT_EQ(Live(), 4U);
  workers_.reset();
  EXPECT_EQ(Live(), 0U);
}

TEST_F(RealtimeWorkersTest, ForgetsTheLiveWorkersOfAProcessThatIsGone) {
  statistics_.workers_live.store(7);
  statistics_.workers_stuck.store(3);
  Start();
  EXPECT_EQ(Live(), 2U);
  EXPECT_EQ(statistics_.workers_stuck.load(), 0U);
}

TEST_F(RealtimeWorkersTest, ReplacesAStuckWorkerSoThatOthersGoOn) {
  Start();
  PushStuck(1);
  Push("harmless");  // Only a replacement can take it.
  ASSERT_TRUE(sink_.Reaches(1));
  EXPECT_EQ(sink_.Outcomes().at(0).pid, 1);
  EXPECT_TRUE(
      BecomesTrue([&] { return statistics_.workers_replaced.load() == 1; }));
  EXPECT_EQ(statistics_.workers_stuck.load(), 1U);
  EXPECT_EQ(Live(), 3U);
  EXPECT_EQ(statistics_.workers_replace_failed.load(), 0U);
}

TEST_F(RealtimeWorkersTest, ReplacesAStuckReservedWorkerToo) {
  options_.workers_max = 5;
  Start();
  PushStuck(1, Lane::kOpen);
  // One of these at least takes the reserved worker, or its replacement.
  PushStuck(2, Lane::kExec);
  PushStuck(3, Lane::kExec);
  EXPECT_TRUE(BecomesTrue([&] { return Live() == 5U; }));
  Push("a program", Lane::kExec);
  EXPECT_TRUE(sink_.Reaches(1));
}

TEST_F(RealtimeWorkersTest, LetsSurplusWorkersLeaveWhenTheStuckComeBack) {
  Start();
  PushStuck(1);
  Push("harmless");
  ASSERT_TRUE(sink_.Reaches(1));
  ASSERT_EQ(Live(), 3U);
  gate.Open();
  EXPECT_TRUE(BecomesTrue([&] { return Live() == 2U; }));
  EXPECT_TRUE(
      BecomesTrue([&] { return statistics_.workers_stuck.load() == 0; }));
  Push("harmless");
  EXPECT_TRUE(sink_.Reaches(3));
}

TEST_F(RealtimeWorkersTest, StartsNoMoreThanTheMost) {
  options_.workers = 1;
  options_.exec_reserved = 0;
  options_.workers_max = 3;
  Start();
  for (uint32_t stuck = 1; stuck <= 3; ++stuck) PushStuck(stuck);
  Push("harmless");  // Nobody is left for it.
  ASSERT_TRUE(
      BecomesTrue([&] { return statistics_.workers_limit_hits.load() > 0; }));
  EXPECT_EQ(Live(), 3U);
  EXPECT_EQ(statistics_.workers_replaced.load(), 2U);
  EXPECT_TRUE(sink_.Outcomes().empty());
  EXPECT_EQ(queue_.size(), 1U);
  gate.Open();
  EXPECT_TRUE(sink_.Reaches(4));
  EXPECT_TRUE(BecomesTrue([&] { return Live() == 1U; }));
}

TEST_F(RealtimeWorkersTest, KeepsAWorkerForProgramStartsWhenAllOthersAreStuck) {
  options_.workers = 2;
  options_.workers_max = 3;  // No replacements.
  Start();
  PushStuck(1);
  PushStuck(2);
  Push("an open");
  Push("a program", Lane::kExec);
  ASSERT_TRUE(sink_.Reaches(1));
  EXPECT_EQ(sink_.Outcomes().at(0).pid, 3);
  EXPECT_EQ(queue_.size(), 1U);
}

TEST_F(RealtimeWorkersTest, SettlesWhatIsLeftAsCancelledWhenItEnds) {
  constexpr size_t kLeft = 10;
  options_.workers_max = 2;  // No replacements.
  Start();
  PushStuck(1);
  for (size_t i = 0; i < kLeft; ++i) Push("never looked at");
  {
    // The destructor waits for the scan that is stuck.
    const std::jthread end([this] { workers_.reset(); });
    ASSERT_TRUE(BecomesTrue([&] { return queue_.closed(); }));
    gate.Open();
  }
  const std::vector<Outcome> outcomes = sink_.Outcomes();
  ASSERT_EQ(outcomes.size(), kLeft + 1);
  for (const Outcome& outcome : outcomes) {
    if (outcome.pid == 0) continue;  // It was stuck before its first byte.
    EXPECT_EQ(outcome.kind, VerdictKind::kNotScanned);
    EXPECT_EQ(outcome.reason, NotScannedReason::kCancelled);
  }
  EXPECT_EQ(statistics_.scans_started.load(), 1U);
  EXPECT_THAT(responder_.Dropped(), Each(0U));
  EXPECT_EQ(Live(), 0U);
  EXPECT_TRUE(queue_.closed());
}

TEST_F(RealtimeWorkersTest, GivesUpAfterTheScanLimit) {
  options_.scan_limit = 0ms;
  Start();
  Push("some bytes");
  ASSERT_TRUE(sink_.Reaches(1));
  EXPECT_EQ(sink_.Outcomes().at(0).kind, VerdictKind::kNotScanned);
  EXPECT_EQ(sink_.Outcomes().at(0).reason, NotScannedReason::kTimeLimit);
}

TEST_F(RealtimeWorkersTest, DoesNotScanContentThatHasKilledTheScanner) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  ASSERT_TRUE(crashed.Add(FileOf(kEvilContent).UnsafeFd()).value());
  Start(&crashed);
  Push(kEvilContent);
  ASSERT_TRUE(sink_.Reaches(1));
  workers_.reset();
  EXPECT_EQ(sink_.Outcomes().at(0).kind, VerdictKind::kNotScanned);
  EXPECT_EQ(sink_.Outcomes().at(0).reason, NotScannedReason::kScanCrashed);
  EXPECT_EQ(statistics_.scans_started.load(), 0U);
}

TEST_F(RealtimeWorkersTest, MarksTheScanWhileItRuns) {
  Start();
  uint32_t mark = kScanMarkNone;
  FileEvent event;
  event.file = ScanFile(FileOf(kStickyContent));
  event.unsafe_scan_mark = &mark;
  ASSERT_TRUE(queue_.TryPush(Lane::kOpen, event));
  ASSERT_TRUE(BecomesTrue([&] { return gate.waiting == 1U; }));
  EXPECT_EQ(std::atomic_ref(mark).load(), kScanMarkScanning);
  gate.Open();
  ASSERT_TRUE(sink_.Reaches(1));
  EXPECT_EQ(std::atomic_ref(mark).load(), kScanMarkNone);
}

TEST_F(RealtimeWorkersTest, AnswersEveryTicketOnce) {
  options_.workers = 3;
  Start();
  for (size_t i = 0; i < kTicketsMax; ++i) {
    Push("harmless", i % 2 == 0 ? Lane::kExec : Lane::kOpen);
  }
  ASSERT_TRUE(sink_.Reaches(kTicketsMax));
  workers_.reset();
  EXPECT_THAT(responder_.Settled(), Each(1U));
  EXPECT_THAT(responder_.Dropped(), Each(0U));
}

// --- A new set ---------------------------------------------------------------

constexpr std::string_view kNewEvilContent = "another marker";

std::shared_ptr<const SignatureSet> NewSet() {
  return MakeSet({Body("Test.NewEvil", kNewEvilContent)});
}

TEST_F(RealtimeWorkersTest, JudgesByANewSetFromThenOn) {
  Start();
  Push(kNewEvilContent);
  ASSERT_TRUE(sink_.Reaches(1));
  ASSERT_TRUE(Use(NewSet()));
  for (const Lane lane : {Lane::kOpen, Lane::kExec}) {
    Push(kEvilContent, lane);
    Push(kNewEvilContent, lane);
  }
  ASSERT_TRUE(sink_.Reaches(5));
  workers_.reset();
  for (const Outcome& outcome : sink_.Outcomes()) {
    EXPECT_EQ(outcome.kind, outcome.pid == 2 || outcome.pid == 4
                                ? VerdictKind::kInfected
                                : VerdictKind::kClean)
        << outcome.pid;
  }
}

TEST_F(RealtimeWorkersTest, ABusyWorkerTakesTheNewSetWhenItIsDone) {
  options_.stuck_after = std::chrono::hours(1);
  options_.exec_reserved = 0;
  Start();
  PushStuck(1);
  ASSERT_TRUE(Use(NewSet()));
  ASSERT_TRUE(Use(NewSet()));  // The one before was not taken yet.
  Push(kNewEvilContent);
  gate.Open();
  ASSERT_TRUE(sink_.Reaches(2));
  workers_.reset();
  EXPECT_EQ(sink_.Outcomes().at(0).kind, VerdictKind::kClean);
  EXPECT_EQ(sink_.Outcomes().at(1).kind, VerdictKind::kInfected);
}

TEST_F(RealtimeWorkersTest, AReplacementHasTheNewSet) {
  Start();
  ASSERT_TRUE(Use(NewSet()));
  PushStuck(1);
  Push(kNewEvilContent);
  ASSERT_TRUE(sink_.Reaches(1));
  EXPECT_EQ(sink_.Outcomes().at(0).kind, VerdictKind::kInfected);
}

TEST_F(RealtimeWorkersTest, KeepsNoOldSetAlive) {
  std::shared_ptr<const SignatureSet> set = NewSet();
  const std::weak_ptr<const SignatureSet> old = set;
  Start();
  ASSERT_TRUE(Use(std::move(set)));
  EXPECT_FALSE(old.expired());
  ASSERT_TRUE(Use(NewSet()));
  EXPECT_TRUE(old.expired());  // Nobody was busy.
}

TEST_F(RealtimeWorkersTest, APreparedSetThatIsNotUsedIsForgotten) {
  std::shared_ptr<const SignatureSet> set = NewSet();
  const std::weak_ptr<const SignatureSet> dropped = set;
  Start();
  {
    const auto prepared = workers_->Prepare(std::move(set));
    ASSERT_TRUE(prepared);
    EXPECT_FALSE(dropped.expired());
  }
  EXPECT_TRUE(dropped.expired());
  Push(kNewEvilContent);
  ASSERT_TRUE(sink_.Reaches(1));
  EXPECT_EQ(sink_.Outcomes().at(0).kind, VerdictKind::kClean);
  EXPECT_TRUE(Use(NewSet()));  // Nothing is in its way.
}

TEST_F(RealtimeWorkersTest, WhoComesWhileASetIsPreparedUsesItToo) {
  Start();
  auto prepared = workers_->Prepare(NewSet());
  ASSERT_TRUE(prepared);
  PushStuck(1);
  ASSERT_TRUE(
      BecomesTrue([&] { return statistics_.workers_replaced.load() == 1; }));
  prepared->Use();
  Push(kNewEvilContent);  // Only the replacement can take it.
  ASSERT_TRUE(sink_.Reaches(1));
  EXPECT_EQ(sink_.Outcomes().at(0).kind, VerdictKind::kInfected);
}

// As the daemon hands a set to those that are waited for and those that are
// not.
TEST_F(RealtimeWorkersTest, WithoutMemoryForAllNobodyUsesTheNewSet) {
  EventQueue other_queue(kTicketsMax);
  RealtimeStatistics other_statistics;
  options_.exec_reserved = 0;
  Start();
  const auto others = RealtimeWorkers::Start(
      other_queue, MakeSet({Body("Test.Evil", kEvilContent)}), SinkRef(sink_),
      nullptr, other_statistics, {.workers = 3, .exec_reserved = 0});
  ASSERT_TRUE(others);
  const auto use_in_all = [&]() -> Result<bool> {
    auto prepared = RealtimeWorkers::PrepareInAll(
        {workers_.get(), others->get()}, NewSet());
    if (!prepared) return Unexpected(prepared.error());
    for (RealtimeWorkers::PreparedSet& one : *prepared) one.Use();
    return true;
  };
  const auto judge_in_both = [&] {
    const size_t before = sink_.Outcomes().size();
    Push(kNewEvilContent);
    Push(kNewEvilContent, Lane::kOpen, other_queue);
    EXPECT_TRUE(sink_.Reaches(before + 2));
    std::vector<VerdictKind> kinds;
    for (size_t i = before; i < sink_.Outcomes().size(); ++i) {
      kinds.push_back(sink_.Outcomes().at(i).kind);
    }
    return kinds;
  };
  // One worker has a scanner for itself, and of three the last has none.
  for (const uint32_t there : {0U, 1U, 3U}) {
    buffers_left.store(there);
    const Result<bool> used = use_in_all();
    buffers_left.store(kBuffersWithoutEnd);
    ASSERT_FALSE(used) << there;
    EXPECT_EQ(used.error().code, ErrorCode::kOperational);
    EXPECT_THAT(judge_in_both(), Each(VerdictKind::kClean)) << there;
  }
  // The control: there is as much as it takes.
  buffers_left.store(4);
  EXPECT_TRUE(use_in_all());
  EXPECT_EQ(buffers_left.load(), 0U);
  buffers_left.store(kBuffersWithoutEnd);
  EXPECT_THAT(judge_in_both(), Each(VerdictKind::kInfected));
}

TEST_F(RealtimeWorkersTest, SetsChangeWhileEventsCome) {
  constexpr size_t kEvents = 2000;
  options_.workers = 3;
  const std::shared_ptr<const SignatureSet> one =
      MakeSet({Body("Test.Evil", kEvilContent)});
  const std::shared_ptr<const SignatureSet> other =
      MakeSet({Body("Test.Other", kEvilContent)});
  Start();
  std::atomic<bool> is_done{false};
  std::thread changes([&] {
    for (bool is_one = true; !is_done; is_one = !is_one) {
      EXPECT_TRUE(Use(is_one ? one : other));
    }
  });
  for (size_t i = 1; i <= kEvents; ++i) {
    Push(kEvilContent);
    if (i % 32 == 0) {
      ASSERT_TRUE(sink_.Reaches(i));
    }
  }
  EXPECT_TRUE(sink_.Reaches(kEvents));
  is_done = true;
  changes.join();
  workers_.reset();
  // Whichever it was, it was one of them, and whole.
  for (const Outcome& outcome : sink_.Outcomes()) {
    EXPECT_EQ(outcome.kind, VerdictKind::kInfected);
  }
}

}  // namespace
}  // namespace gatehouse
