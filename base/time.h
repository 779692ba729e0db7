// The one clock of deadlines and budgets.
//
// Thread-safe: types and pure functions.
#pragma once

#include <chrono>
#include <cstdint>

namespace gatehouse {

// CLOCK_MONOTONIC: never jumps, and stands still while the machine sleeps, as
// Apple's Mach time does. Wall time is for display only.
using MonotonicClock = std::chrono::steady_clock;
using MonotonicTime = MonotonicClock::time_point;

inline constexpr MonotonicTime kNever = MonotonicTime::max();

// For people and records: milliseconds since 1970, UTC.
[[nodiscard]] inline int64_t WallClockMilliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace gatehouse
