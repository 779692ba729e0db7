#include "base/idle_ticker.h"

#include <cassert>
#include <utility>

#include "base/thread_name.h"

namespace gatehouse {

// The race to exclude: the thread finds nothing and goes to sleep while
// somebody publishes and finds the thread awake. Both sides touch asleep_ with
// a read-modify-write, and those have one order: Arm()'s comes after the
// thread's and finds it asleep, or before it, and then the tick that follows
// sees what was published. (Not a fence: ThreadSanitizer does not understand
// fences.)

IdleTicker::IdleTicker(const char* thread_name,
                       std::chrono::milliseconds period,
                       std::function<bool()> tick)
    : period_(period), tick_(std::move(tick)) {
  assert(period_.count() > 0);
  assert(tick_);
  thread_ = std::jthread([this, thread_name](const std::stop_token& stop) {
    SetThreadName(thread_name);
    Run(stop);
  });
}

IdleTicker::~IdleTicker() {
  thread_.request_stop();
  {
    const MutexLock lock(mutex_);
    armed_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void IdleTicker::Arm() {
  if (asleep_.fetch_add(0, std::memory_order_seq_cst) == 0) return;
  const MutexLock lock(mutex_);
  armed_ = true;
  changed_.NotifyAll();
}

bool IdleTicker::IsResponding() {
  const bool is_awake = asleep_.load(std::memory_order_seq_cst) == 0;
  const uint64_t ticks = ticks_.load(std::memory_order_relaxed);
  const bool is_responding = ticks != seen_ticks_ || !is_awake || !was_awake_;
  seen_ticks_ = ticks;
  was_awake_ = is_awake;
  return is_responding;
}

void IdleTicker::Run(const std::stop_token& stop) {
  int idle_ticks = 0;
  while (!stop.stop_requested()) {
    const bool drowsy = idle_ticks >= kLingerTicks;
    if (drowsy) (void)asleep_.exchange(1, std::memory_order_seq_cst);
    ticks_.fetch_add(1, std::memory_order_relaxed);
    idle_ticks = tick_() ? 0 : idle_ticks + 1;
    const MutexLock lock(mutex_);
    if (!drowsy || idle_ticks == 0) {
      asleep_.store(0, std::memory_order_seq_cst);
      armed_ = false;
      if (!stop.stop_requested()) changed_.WaitFor(mutex_, period_);
    } else {
      while (!armed_) changed_.Wait(mutex_);
      asleep_.store(0, std::memory_order_seq_cst);
      armed_ = false;
      idle_ticks = 0;
    }
  }
}

}  // namespace gatehouse
