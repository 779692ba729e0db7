// Which of the many points of a program a test takes: every one, or some, by a
// seed that it prints.
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string_view>

namespace gatehouse {

inline bool TakesEveryCall() {
  const char* const points = std::getenv("GATEHOUSE_TEST_KILL_POINTS");
  return points != nullptr && std::string_view(points) == "all";
}

// The same for the whole process.
inline uint64_t CrashSeed() {
  static const uint64_t seed = [] {
    const char* const given = std::getenv("GATEHOUSE_TEST_SEED");
    const uint64_t chosen = given != nullptr ? std::strtoull(given, nullptr, 10)
                                             : std::random_device()();
    std::cout << "seed: GATEHOUSE_TEST_SEED=" << chosen << std::endl;
    return chosen;
  }();
  return seed;
}

}  // namespace gatehouse
