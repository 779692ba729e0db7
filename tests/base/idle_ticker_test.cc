#include "base/idle_ticker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace gatehouse {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// Only a lost wake-up makes a test wait this long.
constexpr std::chrono::seconds kPatience = 20s;
// It lingers, looks once more, and sleeps.
constexpr int kTicksUntilAsleep = IdleTicker::kLingerTicks + 1;
// A period that never ends during a test.
constexpr std::chrono::milliseconds kForever = 24h;

// Counts ticks; the test waits for a number of them.
class TickCount {
 public:
  void Add() {
    const MutexLock lock(mutex_);
    ++count_;
    changed_.NotifyAll();
  }

  // False if the number was not reached in time.
  [[nodiscard]] bool Reaches(int wanted) {
    const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
    const MutexLock lock(mutex_);
    while (count_ < wanted) {
      const auto left = give_up_at - std::chrono::steady_clock::now();
      if (left <= 0s) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }

  int value() {
    const MutexLock lock(mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
};

TEST(IdleTickerTest, TicksAtOnceForTheFirstTime) {
  TickCount ticks;
  const IdleTicker ticker("test", kForever, [&ticks] {
    ticks.Add();
    return true;
  });
  EXPECT_TRUE(ticks.Reaches(1));
}

TEST(IdleTickerTest, KeepsTickingWhileThereIsSomethingToWatch) {
  TickCount ticks;
  const IdleTicker ticker("test", 1ms, [&ticks] {
    ticks.Add();
    return true;
  });
  EXPECT_TRUE(ticks.Reaches(5));
}

TEST(IdleTickerTest, RespondsWhileItTicksAndWhileItSleeps) {
  TickCount ticks;
  std::atomic<bool> is_busy{true};
  IdleTicker ticker("test", 1ms, [&] {
    ticks.Add();
    return is_busy.load();
  });
  for (int round = 1; round < 5; ++round) {
    ASSERT_TRUE(ticks.Reaches(ticks.value() + 2));
    EXPECT_TRUE(ticker.IsResponding());
  }
  is_busy = false;
  // Once asleep it need not tick: nothing is missed.
  const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
  int in_a_row = 0;
  while (in_a_row < 100 && std::chrono::steady_clock::now() < give_up_at) {
    in_a_row = ticker.IsResponding() ? in_a_row + 1 : 0;
  }
  EXPECT_EQ(in_a_row, 100);
}

TEST(IdleTickerTest, DoesNotRespondWhileItsThreadHangs) {
  TickCount ticks;
  std::atomic<bool> hangs{true};
  IdleTicker ticker("test", 1ms, [&] {
    ticks.Add();
    while (hangs.load()) std::this_thread::yield();
    return true;
  });
  ASSERT_TRUE(ticks.Reaches(1));
  (void)ticker.IsResponding();  // What it compares with.
  EXPECT_FALSE(ticker.IsResponding());
  EXPECT_FALSE(ticker.IsResponding());
  hangs = false;
  ASSERT_TRUE(ticks.Reaches(2));
  EXPECT_TRUE(ticker.IsResponding());
}

TEST(IdleTickerTest, LingersThenSleepsUntilArmed) {
  constexpr int kRounds = 10;
  TickCount ticks;
  {
    IdleTicker ticker("test", 1ms, [&ticks] {
      ticks.Add();
      return false;
    });
    ASSERT_TRUE(ticks.Reaches(kTicksUntilAsleep));
    for (int round = 2; round <= kRounds; ++round) {
      ticker.Arm();
      ASSERT_TRUE(ticks.Reaches(round * kTicksUntilAsleep));
    }
  }
  // A ticker that did not sleep would have ticked more often.
  EXPECT_EQ(ticks.value(), kRounds * kTicksUntilAsleep);
}

TEST(IdleTickerTest, LingersAnewAfterEveryBusyTick) {
  constexpr int kBusyTicks = 5;
  TickCount ticks;
  int left = kBusyTicks;  // Only the ticker's thread touches it.
  {
    const IdleTicker ticker("test", 1ms, [&ticks, &left] {
      const bool busy = left-- > 0;
      ticks.Add();
      return busy;
    });
    ASSERT_TRUE(ticks.Reaches(kBusyTicks + kTicksUntilAsleep));
  }
  EXPECT_EQ(ticks.value(), kBusyTicks + kTicksUntilAsleep);
}

TEST(IdleTickerTest, NeverSleepsOverWhatWasPublishedBeforeArm) {
  constexpr int kRounds = 40;
  std::atomic<bool> published{false};
  std::atomic<int> ticks{0};
  TickCount taken;
  IdleTicker ticker("test", 1ms, [&published, &ticks, &taken] {
    // Relaxed: whether the ticker sees it is what is tested.
    if (published.exchange(false, std::memory_order_relaxed)) taken.Add();
    ticks.fetch_add(1, std::memory_order_relaxed);
    return false;
  });
  for (int round = 1; round <= kRounds; ++round) {
    // The last tick has found nothing: from here on it is a race to bed, and
    // only one who watches without a break is fast enough for it.
    while (ticks.load(std::memory_order_relaxed) < round * kTicksUntilAsleep) {
      std::this_thread::yield();
    }
    published.store(true, std::memory_order_relaxed);
    ticker.Arm();
    ASSERT_TRUE(taken.Reaches(round)) << "a wake-up was lost";
  }
}

TEST(IdleTickerTest, MayBeArmedByManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  std::atomic<int> published{0};
  TickCount taken;
  IdleTicker ticker("test", 1ms, [&published, &taken] {
    const int count = published.exchange(0);
    for (int i = 0; i < count; ++i) taken.Add();
    return count > 0;
  });
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&published, &ticker] {
      for (int round = 0; round < kRounds; ++round) {
        published.fetch_add(1);
        ticker.Arm();
      }
    });
  }
  EXPECT_TRUE(taken.Reaches(kThreads * kRounds));
}

TEST(IdleTickerTest, EndsWithoutWaitingForThePeriod) {
  TickCount ticks;
  const auto begin = std::chrono::steady_clock::now();
  {
    const IdleTicker ticker("test", kForever, [&ticks] {
      ticks.Add();
      return true;
    });
    ASSERT_TRUE(ticks.Reaches(1));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kForever);
}

TEST(IdleTickerTest, EndsWhileItSleeps) {
  TickCount ticks;
  {
    const IdleTicker ticker("test", 1ms, [&ticks] {
      ticks.Add();
      return false;
    });
    ASSERT_TRUE(ticks.Reaches(kTicksUntilAsleep));
  }
  EXPECT_EQ(ticks.value(), kTicksUntilAsleep);
}

TEST(IdleTickerTest, MayEndBeforeItsThreadBegan) {
  for (int round = 0; round < 500; ++round) {
    const IdleTicker ticker("test", kForever, [] { return false; });
  }
}

}  // namespace
}  // namespace gatehouse
