#include "base/idle_ticker.h"

#include <cassert>
#include <utility>

#include "base/thread_name.h"

namespace gatehouse {

// The race to exclude: the thread finds nothing and goes to sleep while
// somebody publishes and finds the thread awake. Both sides write first and
// read second, with a sequentially consistent fence between: the thread sets
// asleep_ and then asks tick_ once more, Arm() comes after the publication and
// then reads asleep_. At least one of the two sees the other.

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
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // Relaxed: the fence above orders it after the caller's publication.
  if (!asleep_.load(std::memory_order_relaxed)) return;
  const MutexLock lock(mutex_);
  armed_ = true;
  changed_.NotifyAll();
}

void IdleTicker::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    asleep_.store(true, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const bool busy = tick_();
    const MutexLock lock(mutex_);
    if (busy) {
      // Awake for one period; a stop cuts it short.
      asleep_.store(false, std::memory_order_seq_cst);
      armed_ = false;
      if (!stop.stop_requested()) changed_.WaitFor(mutex_, period_);
    } else {
      while (!armed_) changed_.Wait(mutex_);
      armed_ = false;
    }
  }
}

}  // namespace gatehouse
