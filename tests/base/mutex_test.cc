#include "base/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace gatehouse {
namespace {

// A queue of one, as small as a use of both classes can be.
class Slot {
 public:
  void Put(int value) {
    const MutexLock lock(mutex_);
    while (full_) changed_.Wait(mutex_);
    full_ = true;
    value_ = value;
    changed_.NotifyAll();
  }

  int Take() {
    const MutexLock lock(mutex_);
    while (!full_) changed_.Wait(mutex_);
    full_ = false;
    changed_.NotifyAll();
    return value_;
  }

  // What it holds, or -1 if nobody has put anything before `timeout` ended.
  int Peek(std::chrono::nanoseconds timeout) {
    const MutexLock lock(mutex_);
    if (!full_) changed_.WaitFor(mutex_, timeout);
    return full_ ? value_ : -1;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool full_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  int value_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
};

// Returns when all of them have.
void RunInThreads(int count, const std::function<void()>& run) {
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) threads.emplace_back(run);
}

TEST(MutexTest, OneThreadAtATimeIsInside) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10000;
  Mutex mutex;
  int count = 0;  // Plain: a second thread inside would lose increments.
  RunInThreads(kThreads, [&mutex, &count] {
    for (int round = 0; round < kRounds; ++round) {
      const MutexLock lock(mutex);
      ++count;
    }
  });
  EXPECT_EQ(count, kThreads * kRounds);
}

TEST(MutexTest, ALockEndsWithItsBlock) {
  Mutex mutex;
  { const MutexLock lock(mutex); }
  mutex.Lock();  // Would wait forever.
  mutex.Unlock();
}

TEST(CondVarTest, HandsEveryValueOverInOrder) {
  constexpr int kValues = 5000;
  Slot slot;
  const std::jthread producer([&slot] {
    for (int i = 0; i < kValues; ++i) slot.Put(i);
  });
  for (int i = 0; i < kValues; ++i) ASSERT_EQ(slot.Take(), i);
}

TEST(CondVarTest, HoldsTheLockAgainAfterATimeout) {
  Slot slot;
  // A second unlock by MutexLock would be undefined; TSan and glibc judge it.
  EXPECT_EQ(slot.Peek(std::chrono::nanoseconds(1)), -1);
  slot.Put(7);
  EXPECT_EQ(slot.Peek(std::chrono::nanoseconds(1)), 7);
}

TEST(CondVarTest, WakesOneOfThoseWhoWait) {
  Mutex mutex;
  CondVar changed;
  int tickets = 0;
  const std::jthread seller([&mutex, &changed, &tickets] {
    for (int i = 0; i < 3; ++i) {
      const MutexLock lock(mutex);
      ++tickets;
      changed.NotifyOne();
    }
  });
  // Would wait forever if a ticket had woken nobody.
  RunInThreads(3, [&mutex, &changed, &tickets] {
    const MutexLock lock(mutex);
    while (tickets == 0) changed.Wait(mutex);
    --tickets;
  });
  EXPECT_EQ(tickets, 0);
}

}  // namespace
}  // namespace gatehouse
