// The one clock of deadlines and budgets.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace gatehouse {

// CLOCK_MONOTONIC: never jumps, and stands still while the machine sleeps, as
// Apple's Mach time does. Wall time is for display only.
using MonotonicClock = std::chrono::steady_clock;
using MonotonicTime = MonotonicClock::time_point;

inline constexpr MonotonicTime kNever = MonotonicTime::max();

// A time that moves only when it is told to: what happens by it happens the
// same way again. Starts at 0.
class VirtualTime {
 public:
  [[nodiscard]] MonotonicTime now() const {
    return MonotonicTime(std::chrono::nanoseconds(now_ns_.load()));
  }
  // Never backwards: an earlier time changes nothing.
  void AdvanceTo(MonotonicTime time) {
    const int64_t ns = time.time_since_epoch().count();
    if (ns > now_ns_.load()) now_ns_.store(ns);
  }

 private:
  std::atomic<int64_t> now_ns_{0};
};

// Where deadlines are judged: CLOCK_MONOTONIC, or a virtual time, which must
// outlive every copy. A value of one pointer.
class Clock {
 public:
  Clock() = default;
  explicit Clock(const VirtualTime& time) : virtual_time_(&time) {}

  [[nodiscard]] MonotonicTime now() const {
    return virtual_time_ == nullptr ? MonotonicClock::now()
                                    : virtual_time_->now();
  }
  // True: nothing happens by itself. Whoever moves the time also calls what a
  // timer would.
  [[nodiscard]] bool is_virtual() const { return virtual_time_ != nullptr; }

 private:
  const VirtualTime* virtual_time_ = nullptr;
};

// For people and records: milliseconds since 1970, UTC.
[[nodiscard]] inline int64_t WallClockMilliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace gatehouse
