// BecomesTrue: waits for what another thread or process is about to do.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <thread>

namespace gatehouse {

// Only a test that fails waits this long.
inline constexpr std::chrono::seconds kPatience{20};

// Asks `condition` until it says true; false when patience is over.
template <class Condition>
[[nodiscard]] bool BecomesTrue(const Condition& condition) {
  const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up_at) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace gatehouse
