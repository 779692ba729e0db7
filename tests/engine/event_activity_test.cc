#include "engine/event_activity.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gatehouse {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

// The processes of these tests. One test runs at a time, but its threads read.
struct FakeProcess {
  std::atomic<uint64_t> start_ticks{0};  // 0: it is gone.
  std::atomic<const char*> executable{""};
};
FakeProcess shell;                 // Pid 10.
std::atomic<uint64_t> lookups{0};  // Of all.

constexpr int32_t kShell = 10;
constexpr int32_t kManyFrom = 1000;  // Each lives, and runs /bin/many.
constexpr int32_t kGone = 20;

ProcessOrigin OriginOf(uint64_t start_ticks, std::string_view executable) {
  ProcessOrigin origin;
  origin.is_known = start_ticks != 0;
  origin.start_ticks = start_ticks;
  if (!origin.is_known) return origin;
  origin.executable.Assign(executable);
  const std::string_view name =
      executable.substr(executable.rfind('/') + 1).substr(0, 15);
  std::copy(name.begin(), name.end(), origin.name.begin());
  return origin;
}

ProcessOrigin ReadFakeOrigin(int32_t pid) {
  ++lookups;
  if (pid == kShell)
    return OriginOf(shell.start_ticks, shell.executable.load());
  if (pid >= kManyFrom)
    return OriginOf(static_cast<uint64_t>(pid), "/bin/many");
  return {};
}

class EventActivityTest : public testing::Test {
 protected:
  EventActivityTest() {
    shell.start_ticks = 5;
    shell.executable = "/bin/sh";
    lookups = 0;
  }

  CountedEvent Event(int32_t pid, uint64_t inode,
                     FileEventKind kind = FileEventKind::kOpen) {
    CountedEvent event;
    event.kind = kind;
    event.pid = pid;
    event.file = {1, inode};
    path_ = "/data/" + std::to_string(inode);
    event.path = path_;
    event.was_scanned = true;
    event.scan_time = std::chrono::nanoseconds{100};
    event.now = now_;
    return event;
  }
  void Count(int32_t pid, uint64_t inode,
             FileEventKind kind = FileEventKind::kOpen) {
    activity_.Count(Event(pid, inode, kind));
  }
  ProcessActivity Process(int32_t pid) {
    for (const ProcessActivity& process : activity_.Processes()) {
      if (process.pid == pid) return process;
    }
    return {};
  }
  static SourceActivity Of(const std::vector<SourceActivity>& sources,
                           std::string_view path) {
    for (const SourceActivity& source : sources) {
      if (source.path == path) return source;
    }
    return {};
  }

  MonotonicTime now_{100s};
  std::string path_;
  EventActivity activity_{ReadFakeOrigin};
};

TEST_F(EventActivityTest, CountsByProcessFileAndProgram) {
  Count(kShell, 1);
  Count(kShell, 1);
  Count(kShell, 2, FileEventKind::kClose);
  const ProcessActivity process = Process(kShell);
  EXPECT_EQ(process.name, "sh");
  EXPECT_EQ(process.executable, "/bin/sh");
  EXPECT_EQ(process.auth_count, 2U);
  EXPECT_EQ(process.notify_count, 1U);
  EXPECT_EQ(process.files_scanned, 3U);
  EXPECT_EQ(process.scan_ns, 300U);
  EXPECT_TRUE(process.is_active);
  const SourceActivity file = Of(activity_.Files(), "/data/1");
  EXPECT_EQ(file.auth_count, 2U);
  EXPECT_EQ(file.notify_count, 0U);
  EXPECT_EQ(file.pid_count, 1U);
  const SourceActivity program = Of(activity_.Programs(), "/bin/sh");
  EXPECT_EQ(program.auth_count, 2U);
  EXPECT_EQ(program.notify_count, 1U);
  EXPECT_EQ(activity_.window().total_events, 3U);
}

TEST_F(EventActivityTest, CountsNoFilesScannedWhereNothingWas) {
  CountedEvent event = Event(kShell, 1);
  event.was_scanned = false;
  activity_.TryCount(event);
  EXPECT_EQ(Process(kShell).auth_count, 1U);
  EXPECT_EQ(Process(kShell).files_scanned, 0U);
  EXPECT_EQ(activity_.unattributed(), 0U);
}

TEST_F(EventActivityTest, ARescanIsAScanAndNoEvent) {
  Count(kShell, 1);
  Count(kShell, 1, FileEventKind::kRescan);
  EXPECT_EQ(Process(kShell).files_scanned, 2U);
  EXPECT_EQ(Process(kShell).auth_count, 1U);
  EXPECT_EQ(Of(activity_.Files(), "/data/1").auth_count, 1U);
  EXPECT_EQ(activity_.window().total_events, 1U);
}

TEST_F(EventActivityTest, LooksAProcessUpOncePerSecond) {
  for (int i = 0; i < 100; ++i) Count(kShell, 1);
  EXPECT_EQ(lookups, 1U);
  now_ += 1s;
  for (int i = 0; i < 100; ++i) Count(kShell, 1);
  EXPECT_EQ(lookups, 2U);
}

TEST_F(EventActivityTest, LooksNothingUpForWhoMustNotWait) {
  activity_.TryCount(Event(kShell, 1));
  EXPECT_EQ(lookups, 0U);
}

TEST_F(EventActivityTest, LooksUpNoMoreThanTheMostPerSecond) {
  constexpr auto kMost =
      static_cast<int32_t>(EventActivity::kLookupsPerSecondMax);
  for (int32_t i = 0; i < kMost + 500; ++i) Count(kManyFrom + i, 1);
  EXPECT_EQ(lookups, EventActivity::kLookupsPerSecondMax);
}

TEST_F(EventActivityTest, AProgramThatIsStartedHasItsNameAtOnce) {
  Count(kGone, 7, FileEventKind::kExec);
  const ProcessActivity process = Process(kGone);
  EXPECT_EQ(process.executable, "/data/7");
  EXPECT_EQ(process.name, "7");
  EXPECT_FALSE(process.is_active);
  EXPECT_EQ(lookups, 1U);  // When we asked, not before.
}

TEST_F(EventActivityTest, AnInterpreterIsNotTheProgram) {
  Count(kGone, 7, FileEventKind::kExec);
  Count(kGone, 8, FileEventKind::kExec);
  EXPECT_EQ(Process(kGone).executable, "/data/7");
}

TEST_F(EventActivityTest, WhatAProcessDidBeforeAStartStaysWithTheOldProgram) {
  Count(kShell, 1);
  shell.executable = "/data/7";
  Count(kShell, 7, FileEventKind::kExec);
  Count(kShell, 1);
  Count(kShell, 1);
  EXPECT_EQ(Process(kShell).auth_count, 4U);
  const std::vector<SourceActivity> programs = activity_.Programs();
  EXPECT_EQ(Of(programs, "/bin/sh").auth_count, 2U);  // The start is its own.
  EXPECT_EQ(Of(programs, "/data/7").auth_count, 2U);
}

TEST_F(EventActivityTest, APidThatIsUsedAgainBeginsAnew) {
  for (int i = 0; i < 5; ++i) Count(kShell, 1);
  shell.start_ticks = 6;
  shell.executable = "/bin/other";
  now_ += 2s;
  Count(kShell, 1);  // Shows that it is another one.
  Count(kShell, 1);
  EXPECT_EQ(Process(kShell).auth_count, 1U);
  EXPECT_EQ(Process(kShell).start_ticks, 6U);
  EXPECT_EQ(Of(activity_.Programs(), "/bin/sh").auth_count, 6U);
}

TEST_F(EventActivityTest, SaysOfAProcessThatIsGoneThatItIs) {
  Count(kShell, 1);
  shell.start_ticks = 0;
  const ProcessActivity process = Process(kShell);
  EXPECT_FALSE(process.is_active);
  EXPECT_EQ(process.name, "sh");
}

TEST_F(EventActivityTest, KeepsTheHotAmongVeryManyProcessesAndFiles) {
  constexpr int kOthers = 5000;
  for (int32_t i = 0; i < kOthers; ++i) {
    Count(kShell, 1);
    Count(kManyFrom + i, static_cast<uint64_t>(kManyFrom + i));
  }
  EXPECT_EQ(Process(kShell).files_scanned, uint64_t{kOthers});
  EXPECT_EQ(Of(activity_.Files(), "/data/1").auth_count, uint64_t{kOthers});
  // Those whose rows are gone count for their program, if it was known.
  const std::vector<SourceActivity> programs = activity_.Programs();
  EXPECT_EQ(Of(programs, "/bin/many").auth_count + Of(programs, "").auth_count,
            uint64_t{kOthers});
  EXPECT_GE(Of(programs, "/bin/many").auth_count,
            EventActivity::kLookupsPerSecondMax);
  EXPECT_EQ(activity_.Processes().size(), EventActivity::kProcessesMax);
  EXPECT_EQ(activity_.Files().size(), EventActivity::kFilesMax);
}

TEST_F(EventActivityTest, AFileThatIsRenamedKeepsItsCounts) {
  CountedEvent event = Event(kShell, 1);
  activity_.Count(event);
  event.path = "/data/renamed";
  activity_.Count(event);
  EXPECT_EQ(Of(activity_.Files(), "/data/renamed").auth_count, 2U);
}

TEST_F(EventActivityTest, CutsAPathThatIsTooLong) {
  CountedEvent event = Event(kShell, 1);
  const std::string path(4000, 'x');
  event.path = path;
  activity_.Count(event);
  activity_.Count(event);
  ASSERT_EQ(activity_.Files().size(), 1U);
  EXPECT_EQ(activity_.Files().front().path,
            path.substr(0, PathText::kBytesMax));
}

TEST_F(EventActivityTest, ANewWindowBeginsWithNothing) {
  Count(kShell, 1);
  const ActivityWindow before = activity_.window();
  const ActivityWindow window = activity_.Restart();
  EXPECT_GT(window.begin_us, before.begin_us);
  EXPECT_EQ(window.total_events, 0U);
  EXPECT_TRUE(activity_.Files().empty());
  EXPECT_TRUE(activity_.Programs().empty());
  EXPECT_EQ(Process(kShell).auth_count, 1U);  // Since the start.
  Count(kShell, 2);
  EXPECT_EQ(Of(activity_.Programs(), "/bin/sh").auth_count, 1U);
}

TEST_F(EventActivityTest, CountsNothingWhileItIsDisabled) {
  activity_.Enable(false);
  Count(kShell, 1);
  activity_.TryCount(Event(kShell, 1));
  EXPECT_TRUE(activity_.Processes().empty());
  EXPECT_TRUE(activity_.Files().empty());
  activity_.Enable(true);
  Count(kShell, 1);
  EXPECT_EQ(Process(kShell).auth_count, 1U);
}

TEST_F(EventActivityTest, LosesNothingBetweenThreads) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 2000;
  CountedEvent shared = Event(kShell, 1);
  std::map<int32_t, uint64_t> oracle;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      oracle[kManyFrom + i] = kEvents;
      threads.emplace_back([this, shared, i] {
        CountedEvent event = shared;
        event.pid = kManyFrom + i;
        for (int j = 0; j < kEvents; ++j) {
          event.now += 1ms;
          activity_.Count(event);
          if (j % 100 == 0) (void)activity_.Programs();
        }
      });
    }
  }
  for (const auto& [pid, count] : oracle) {
    EXPECT_EQ(Process(pid).auth_count, count);
  }
  const SourceActivity file = Of(activity_.Files(), "/data/1");
  EXPECT_EQ(file.auth_count, uint64_t{kThreads * kEvents});
  EXPECT_EQ(Of(activity_.Programs(), "/bin/many").auth_count,
            uint64_t{kThreads * kEvents});
}

TEST_F(EventActivityTest, WhoMustNotWaitIsCountedOneWayOrTheOther) {
  constexpr uint64_t kEvents = 5000;
  const CountedEvent event = Event(kManyFrom, 1);
  std::jthread other([this, event] {
    for (uint64_t i = 0; i < kEvents; ++i) activity_.Count(event);
  });
  for (uint64_t i = 0; i < kEvents; ++i) activity_.TryCount(event);
  other.join();
  EXPECT_EQ(Process(kManyFrom).auth_count + activity_.unattributed(),
            2 * kEvents);
}

TEST_F(EventActivityTest, LooksAPathUpOnceAndNowAndThen) {
  CountedEvent event = Event(kShell, 1);
  int paths = 0;
  event.subject = &paths;
  event.look_up_path = [](const void* subject) {
    ++*static_cast<int*>(const_cast<void*>(subject));
    return std::string_view("/looked/up");
  };
  for (int i = 0; i < 60; ++i) activity_.Count(event);
  EXPECT_EQ(paths, 1);
  EXPECT_EQ(activity_.Files().front().path, "/looked/up");
  for (int i = 0; i < 60; ++i) activity_.Count(event);
  EXPECT_EQ(paths, 2);
}

TEST(PidCountTest, IsExactForAFew) {
  PidCount count;
  for (int32_t pid = 0; pid < static_cast<int32_t>(PidCount::kExactMax);
       ++pid) {
    for (int again = 0; again < 3; ++again) count.Add(pid, 5);
    EXPECT_EQ(count.estimate(), static_cast<uint64_t>(pid) + 1);
  }
  count.Add(1000, 5);
  EXPECT_GT(count.estimate(), PidCount::kExactMax);
}

TEST(PidCountTest, EstimatesMoreThanThat) {
  PidCount count;
  for (int32_t pid = 1; pid <= 40; ++pid) {
    count.Add(pid, MixedHash(static_cast<uint64_t>(pid), 1));
  }
  EXPECT_GE(count.estimate(), 25U);
  EXPECT_LE(count.estimate(), 60U);
  for (uint64_t hash = 0; hash < 64; ++hash) count.Add(1, hash);
  EXPECT_EQ(count.estimate(), PidCount::kEstimateMax);
}

TEST(PidCountTest, CountsProcessesOfBothOnce) {
  PidCount one;
  PidCount other;
  for (const int32_t pid : {1, 2, 3}) one.Add(pid, 0);
  for (const int32_t pid : {3, 4}) other.Add(pid, 0);
  one.Add(other);
  EXPECT_EQ(one.estimate(), 4U);
}

TEST(ProcessOriginTest, KnowsThisProcess) {
  const ProcessOrigin origin = ReadProcessOrigin(::getpid());
  ASSERT_TRUE(origin.is_known);
  EXPECT_GT(origin.start_ticks, 0U);
  EXPECT_EQ(std::string(origin.name.data()), "event_activity_");
  EXPECT_TRUE(origin.executable.view().ends_with("/event_activity_test"));
}

TEST(ProcessOriginTest, KnowsNobodyThatIsNotThere) {
  EXPECT_FALSE(ReadProcessOrigin(0).is_known);
  EXPECT_FALSE(ReadProcessOrigin(-1).is_known);
  EXPECT_FALSE(ReadProcessOrigin(INT32_MAX).is_known);
}

}  // namespace
}  // namespace gatehouse
