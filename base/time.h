// The one clock of deadlines and budgets.
//
// Thread-safe: types and pure functions.
#pragma once

#include <chrono>

namespace gatehouse {

// CLOCK_MONOTONIC: never jumps, and stands still while the machine sleeps, as
// Apple's Mach time does. Wall time is for display only.
using MonotonicClock = std::chrono::steady_clock;
using MonotonicTime = MonotonicClock::time_point;

inline constexpr MonotonicTime kNever = MonotonicTime::max();

}  // namespace gatehouse
