// WorkBudget: how much work one file may make us do.
//
// Whoever writes a file chooses how often we have to look closer; without a
// limit a few megabytes could hold up a scanner for minutes. Thread-compatible.
#pragma once

#include <cstdint>

namespace gatehouse {

// What is charged: a content is searched at many bytes per cycle, while a
// closer look at one place costs as much as some hundred bytes of a search.
inline constexpr uint64_t kSearchDivisor = 8;
inline constexpr uint64_t kLookUnits = 64;

class WorkBudget {
 public:
  // Units: bytes looked at, roughly a fraction of a nanosecond each.
  explicit WorkBudget(uint64_t units) : left_(units) {}

  // False once it is used up, from then on for ever.
  bool Take(uint64_t units) {
    if (units > left_) {
      left_ = 0;
      is_exhausted_ = true;
    } else {
      left_ -= units;
    }
    return !is_exhausted_;
  }
  [[nodiscard]] bool is_exhausted() const { return is_exhausted_; }
  [[nodiscard]] uint64_t left() const { return left_; }

 private:
  uint64_t left_ = 0;
  bool is_exhausted_ = false;
};

}  // namespace gatehouse
