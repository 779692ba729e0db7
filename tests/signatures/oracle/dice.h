// Random choices that are the same on every machine for the same seed.
//
// Thread safety: thread-compatible. Ownership: owns its generator.
#pragma once

#include <cassert>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace gatehouse::oracle {

// The standard's distributions differ between libraries; its generator does
// not.
class Dice {
 public:
  explicit Dice(uint64_t seed) : generator_(seed) {}

  // Evenly in [0, end).
  uint64_t Below(uint64_t end) {
    assert(end > 0);
    // What would make some results more likely is thrown again.
    const uint64_t limit = UINT64_MAX - UINT64_MAX % end;
    uint64_t value = generator_();
    while (value >= limit) value = generator_();
    return value % end;
  }
  // Evenly in [first, last].
  uint64_t Between(uint64_t first, uint64_t last) {
    return first + Below(last - first + 1);
  }
  bool OneIn(uint64_t count) { return Below(count) == 0; }
  template <typename T>
  const T& OneOf(const std::vector<T>& values) {
    return values[Below(values.size())];
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace gatehouse::oracle
