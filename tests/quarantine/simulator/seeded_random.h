// SeededRandom: the same numbers for the same seed, on every machine.
//
// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
// Generators, 2014). Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

class SeededRandom {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15U;
    uint64_t mixed = state_;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
    return mixed ^ mixed >> 31;
  }
  // 0 .. count - 1. REQUIRES: count > 0.
  size_t Below(size_t count) { return Next() % count; }
  // True once in `count` times.
  bool OneIn(size_t count) { return Below(count) == 0; }

 private:
  uint64_t state_;
};

}  // namespace gatehouse
