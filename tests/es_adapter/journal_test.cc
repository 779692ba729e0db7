#include "es_adapter/linux/journal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace gatehouse {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kSlots = 8;
constexpr int64_t kNow = 1234;

// A table whose events have descriptors that nobody has open.
class SlotTableTest : public testing::Test {
 protected:
  // As a read by the kernel fills it.
  void Fill(size_t index, int fd) {
    raws_.at(index) = {};
    raws_.at(index).event_len = sizeof(fanotify_event_metadata);
    raws_.at(index).fd = fd;
  }
  void Set(size_t index, SlotState state, int fd) {
    Fill(index, fd);
    slots_.at(index).state.store(state);
  }
  SlotState State(size_t index) const { return slots_.at(index).state.load(); }
  std::vector<SlotState> States() const {
    std::vector<SlotState> states;
    for (const Slot& slot : slots_) states.push_back(slot.state.load());
    return states;
  }

  std::array<Slot, kSlots> slots_;
  std::array<fanotify_event_metadata, kSlots> raws_ = {};
  SlotTable table_{raws_.data(), slots_.data(), kSlots};
};

TEST_F(SlotTableTest, IsFreeAtFirst) {
  EXPECT_THAT(States(), Each(SlotState::kClosed));
  EXPECT_EQ(table_.open_count(), 0U);
  EXPECT_EQ(table_.size(), kSlots);
}

TEST_F(SlotTableTest, OffersNeighbouringSlotsForReading) {
  const SlotTable::Run run = table_.AcquireRun(3);
  EXPECT_EQ(run.first, 0U);
  EXPECT_EQ(run.count, 3U);
  EXPECT_EQ(table_.open_count(), 3U);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(State(i), SlotState::kReading);
  EXPECT_EQ(State(3), SlotState::kClosed);
}

TEST_F(SlotTableTest, BlanksWhatTheSlotHeldBefore) {
  Fill(0, 99);
  slots_.at(0).strikes.store(2);
  slots_.at(0).scan_mark = ESL_SCAN_MARK_FAULTED;
  (void)table_.AcquireRun(1);
  EXPECT_EQ(raws_.at(0).event_len, 0U);
  EXPECT_EQ(slots_.at(0).strikes.load(), 0U);
  EXPECT_EQ(slots_.at(0).scan_mark, ESL_SCAN_MARK_NONE);
  EXPECT_FALSE(table_.HoldsEvent(0));
}

TEST_F(SlotTableTest, CommitsWhatWasReadAndFreesTheRest) {
  const SlotTable::Run run = table_.AcquireRun(4);
  Fill(0, 100);
  Fill(1, 101);
  table_.CommitRun(run, 2, 70, kNow);
  EXPECT_THAT(States(), ElementsAre(SlotState::kPending, SlotState::kPending,
                                    SlotState::kClosed, SlotState::kClosed,
                                    SlotState::kClosed, SlotState::kClosed,
                                    SlotState::kClosed, SlotState::kClosed));
  EXPECT_EQ(table_.open_count(), 2U);
  EXPECT_EQ(slots_.at(0).sequence.load(), 70U);
  EXPECT_EQ(slots_.at(1).sequence.load(), 71U);
  EXPECT_EQ(slots_.at(1).read_ns.load(), kNow);
}

TEST_F(SlotTableTest, GivesNothingWhenItIsFull) {
  const SlotTable::Run run = table_.AcquireRun(2 * kSlots);
  EXPECT_EQ(run.count, kSlots);
  EXPECT_EQ(table_.AcquireRun(1).count, 0U);
  EXPECT_EQ(table_.open_count(), kSlots);
}

TEST_F(SlotTableTest, UsesAgainWhatWasClosed) {
  const SlotTable::Run all = table_.AcquireRun(kSlots);
  table_.CommitRun(all, kSlots, 1, kNow);
  table_.Free(5);
  EXPECT_EQ(table_.open_count(), kSlots - 1);
  const SlotTable::Run run = table_.AcquireRun(kSlots);
  EXPECT_EQ(run.first, 5U);
  EXPECT_EQ(run.count, 1U);
}

TEST_F(SlotTableTest, ARunEndsWhereASlotIsTaken) {
  const SlotTable::Run all = table_.AcquireRun(kSlots);
  table_.CommitRun(all, kSlots, 1, kNow);
  table_.Free(2);
  table_.Free(3);
  table_.Free(6);
  const SlotTable::Run run = table_.AcquireRun(kSlots);
  EXPECT_EQ(run.first, 2U);
  EXPECT_EQ(run.count, 2U);
}

TEST_F(SlotTableTest, ClosesTheFileOfTheEvent) {
  UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file.valid());
  const int fd = file.Release();
  const SlotTable::Run run = table_.AcquireRun(1);
  Fill(0, fd);
  table_.CommitRun(run, 1, 1, kNow);
  table_.Close(0);
  EXPECT_EQ(State(0), SlotState::kClosed);
  EXPECT_EQ(table_.open_count(), 0U);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(SlotTableTest, ClosesAnEventWithoutAFile) {
  const SlotTable::Run run = table_.AcquireRun(1);
  Fill(0, -1);
  table_.CommitRun(run, 1, 1, kNow);
  table_.Close(0);
  EXPECT_EQ(State(0), SlotState::kClosed);
}

TEST_F(SlotTableTest, SaysWhichSlotsHoldAnEvent) {
  const std::vector<std::pair<SlotState, bool>> table = {
      {SlotState::kClosed, false},
      {SlotState::kReading, true},  // Filled; see below.
      {SlotState::kPending, true},
      {SlotState::kAnswered, true},
      {SlotState::kClosing, false},
  };
  for (const auto& [state, holds] : table) {
    Set(0, state, 100);
    EXPECT_EQ(table_.HoldsEvent(0), holds) << static_cast<uint32_t>(state);
  }
  Set(0, SlotState::kReading, 100);
  raws_.at(0).event_len = 0;
  EXPECT_FALSE(table_.HoldsEvent(0));
}

TEST_F(SlotTableTest, RecoversFromEveryState) {
  Set(0, SlotState::kReading, 100);
  Set(1, SlotState::kReading, 101);
  raws_.at(1).event_len = 0;  // The read had not come to this one.
  Set(2, SlotState::kPending, 102);
  slots_.at(2).sequence.store(40);
  slots_.at(2).read_ns.store(7);
  Set(3, SlotState::kAnswered, 103);
  slots_.at(3).sequence.store(41);
  Set(4, SlotState::kClosing, 104);
  Set(5, SlotState::kReading, 105);

  EXPECT_EQ(table_.Recover(50, kNow), 52U);

  EXPECT_THAT(States(), ElementsAre(SlotState::kPending, SlotState::kClosed,
                                    SlotState::kPending, SlotState::kAnswered,
                                    SlotState::kClosed, SlotState::kPending,
                                    SlotState::kClosed, SlotState::kClosed));
  EXPECT_EQ(table_.open_count(), 4U);
  EXPECT_EQ(slots_.at(0).sequence.load(), 50U);
  EXPECT_EQ(slots_.at(0).read_ns.load(), kNow);
  EXPECT_EQ(slots_.at(5).sequence.load(), 51U);
  // What was committed keeps its place and its time.
  EXPECT_EQ(slots_.at(2).sequence.load(), 40U);
  EXPECT_EQ(slots_.at(2).read_ns.load(), 7);
  EXPECT_EQ(slots_.at(3).sequence.load(), 41U);
}

TEST_F(SlotTableTest, RecoversTheSameTwice) {
  Set(0, SlotState::kReading, 100);
  Set(1, SlotState::kPending, 101);
  Set(2, SlotState::kClosing, 102);
  EXPECT_EQ(table_.Recover(50, kNow), 51U);
  const std::vector<SlotState> once = States();
  EXPECT_EQ(table_.Recover(51, kNow + 1), 51U);
  EXPECT_EQ(States(), once);
  EXPECT_EQ(table_.open_count(), 2U);
  EXPECT_EQ(slots_.at(0).read_ns.load(), kNow);
}

TEST_F(SlotTableTest, LeavesStrikesAndScanMarksToTheSuccessor) {
  Set(0, SlotState::kPending, 100);
  slots_.at(0).strikes.store(1);
  slots_.at(0).scan_mark = ESL_SCAN_MARK_SCANNING;
  (void)table_.Recover(1, kNow);
  EXPECT_EQ(slots_.at(0).strikes.load(), 1U);
  EXPECT_EQ(slots_.at(0).scan_mark, ESL_SCAN_MARK_SCANNING);
}

// One reader takes and commits, others free: as in the client. A slot that is
// handed out while somebody uses it is counted.
class SharedTable {
 public:
  static constexpr size_t kSize = 128;
  static constexpr uint64_t kEvents = 20'000;

  void Read(unsigned seed) {
    std::mt19937 random(seed);
    for (uint64_t taken = 0; taken < kEvents;) {
      const SlotTable::Run run = table_.AcquireRun(1 + random() % 8);
      const uint64_t wanted = std::min<uint64_t>(random() % 9, kEvents - taken);
      const size_t filled = std::min<size_t>(run.count, wanted);
      for (size_t i = 0; i < run.count; ++i) {
        if (in_use_.at(run.first + i).load()) ++doubles_;
      }
      table_.CommitRun(run, filled, taken + 1, kNow);
      for (size_t i = 0; i < filled; ++i) in_use_.at(run.first + i).store(true);
      taken += filled;
      if (filled == 0) std::this_thread::yield();
    }
  }
  // Frees every `step`th slot, until all events are settled.
  void Free(size_t first, size_t step) {
    while (freed_.load() < kEvents) {
      for (size_t i = first; i < kSize; i += step) {
        if (!in_use_.at(i).exchange(false)) continue;
        table_.Free(i);
        freed_.fetch_add(1);
      }
      std::this_thread::yield();
    }
  }

  uint64_t doubles() const { return doubles_; }
  size_t open_count() const { return table_.open_count(); }

 private:
  std::array<Slot, kSize> slots_;
  std::array<fanotify_event_metadata, kSize> raws_ = {};
  SlotTable table_{raws_.data(), slots_.data(), kSize};
  std::array<std::atomic<bool>, kSize> in_use_ = {};
  std::atomic<uint64_t> freed_{0};
  uint64_t doubles_ = 0;  // Of the reader.
};

TEST(SlotTableStressTest, NeverHandsOutASlotTwice) {
  constexpr size_t kFreers = 3;
  const unsigned seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  SharedTable table;
  std::vector<std::jthread> freers;
  for (size_t i = 0; i < kFreers; ++i) {
    freers.emplace_back([&table, i] { table.Free(i, kFreers); });
  }
  table.Read(seed);
  freers.clear();  // Joins.
  EXPECT_EQ(table.doubles(), 0U);
  EXPECT_EQ(table.open_count(), 0U);
}

// --- The journal as a whole --------------------------------------------------

class JournalTest : public testing::Test {
 protected:
  JournalTest() : journal_(esl_journal_create(kEventsMax)) {}

  void SetUp() override { ASSERT_NE(journal_, nullptr); }

  void Set(SlotTable& table, size_t index, SlotState state, int fd) {
    table.raw(index).event_len = sizeof(fanotify_event_metadata);
    table.raw(index).fd = fd;
    table.slot(index).state.store(state);
  }
  std::vector<int> KeptFds() const {
    std::array<int, 2 + 2 * kEventsMax> fds = {};
    const size_t count = esl_journal_kept_fds(journal_, fds.data(), fds.size());
    return {fds.begin(), fds.begin() + static_cast<ptrdiff_t>(count)};
  }

  static constexpr uint32_t kEventsMax = 8;
  esl_journal_t* const journal_;  // Never freed: see es_linux.h.
};

TEST_F(JournalTest, BeginsEmptyAndWithoutGroups) {
  EXPECT_EQ(journal_->permission.size(), kEventsMax);
  EXPECT_EQ(journal_->notification.size(), kEventsMax);
  EXPECT_EQ(journal_->next_sequence.load(), 1U);
  EXPECT_EQ(esl_journal_group_fd(journal_), -1);
  EXPECT_THAT(KeptFds(), IsEmpty());
  esl_statistics_t statistics = {};
  esl_journal_statistics(journal_, &statistics);
  EXPECT_EQ(statistics.pending, 0U);
  EXPECT_EQ(statistics.auth_events, 0U);
}

TEST_F(JournalTest, TellsTheDescriptorOfThePermissionGroup) {
  journal_->group_fds.at(0).store(41);
  journal_->group_fds.at(1).store(42);
  EXPECT_EQ(esl_journal_group_fd(journal_), 41);
}

TEST_F(JournalTest, KeepsGroupsAndTheFilesOfUnsettledEvents) {
  journal_->group_fds.at(0).store(41);
  journal_->group_fds.at(1).store(40);
  Set(journal_->permission, 0, SlotState::kPending, 33);
  Set(journal_->permission, 3, SlotState::kAnswered, 31);
  Set(journal_->permission, 5, SlotState::kReading, 30);
  Set(journal_->notification, 7, SlotState::kPending, 32);
  EXPECT_THAT(KeptFds(), ElementsAre(30, 31, 32, 33, 40, 41));
}

TEST_F(JournalTest, DoesNotKeepWhatIsClosingOrFreeOrNotYetRead) {
  Set(journal_->permission, 0, SlotState::kClosing, 30);
  Set(journal_->permission, 1, SlotState::kClosed, 31);
  Set(journal_->permission, 2, SlotState::kReading, 32);
  journal_->permission.raw(2).event_len = 0;
  EXPECT_THAT(KeptFds(), IsEmpty());
}

TEST_F(JournalTest, KeepsANumberThatAClosingSlotHadBefore) {
  Set(journal_->permission, 0, SlotState::kClosing, 30);
  Set(journal_->notification, 1, SlotState::kPending, 30);
  EXPECT_THAT(KeptFds(), ElementsAre(30));
}

TEST_F(JournalTest, NamesEachDescriptorOnceAndNoneThatIsNone) {
  Set(journal_->permission, 0, SlotState::kPending, 30);
  Set(journal_->permission, 1, SlotState::kPending, -1);
  Set(journal_->notification, 0, SlotState::kPending, 30);
  EXPECT_THAT(KeptFds(), ElementsAre(30));
}

TEST_F(JournalTest, WritesNoMoreDescriptorsThanThereIsRoomFor) {
  for (size_t i = 0; i < kEventsMax; ++i) {
    Set(journal_->permission, i, SlotState::kPending, 30 + static_cast<int>(i));
  }
  std::array<int, 4> fds = {-7, -7, -7, -7};
  EXPECT_EQ(esl_journal_kept_fds(journal_, fds.data(), 3), 3U);
  EXPECT_EQ(fds.at(3), -7);
}

TEST_F(JournalTest, ItsTablesAreApart) {
  const SlotTable::Run permission = journal_->permission.AcquireRun(kEventsMax);
  EXPECT_EQ(permission.count, kEventsMax);
  EXPECT_EQ(journal_->notification.open_count(), 0U);
  EXPECT_EQ(&journal_->table(GroupKind::kPermission), &journal_->permission);
  EXPECT_EQ(&journal_->table(GroupKind::kNotification),
            &journal_->notification);
}

TEST(JournalCreateTest, RefusesNoRoomAndTooMuch) {
  for (const uint32_t events_max : {0U, 65'537U, UINT32_MAX}) {
    errno = 0;
    EXPECT_EQ(esl_journal_create(events_max), nullptr) << events_max;
    EXPECT_EQ(errno, EINVAL);
  }
}

TEST(JournalCreateTest, MakesTheSmallestAndTheLargest) {
  EXPECT_NE(esl_journal_create(1), nullptr);
  esl_journal_t* const largest = esl_journal_create(65'536);
  ASSERT_NE(largest, nullptr);
  EXPECT_EQ(largest->permission.AcquireRun(65'536).count, 65'536U);
  EXPECT_EQ(largest->notification.AcquireRun(65'536).count, 65'536U);
}

TEST(JournalCreateTest, AnswersForNobodyWithoutAGroup) {
  esl_journal_t* const journal = esl_journal_create(4);
  ASSERT_NE(journal, nullptr);
  EXPECT_EQ(esl_journal_answer_all(journal, nullptr, nullptr), 0U);
}

}  // namespace
}  // namespace gatehouse
