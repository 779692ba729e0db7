// RetryPlan: when something that failed is tried again, ever more rarely.
//
// Thread-compatible value.
#pragma once

#include <chrono>

#include "base/time.h"

namespace gatehouse {

class RetryPlan {
 public:
  // After the first failure; twice as long after each one that follows, up to
  // the second.
  static constexpr std::chrono::minutes kDelayFirst{1};
  static constexpr std::chrono::minutes kDelayMax{60};

  // A try has failed at `now`.
  void OnFailure(MonotonicTime now);
  // A try has succeeded, or what it depends on has changed: nothing is due, and
  // the next failure counts as the first.
  void Reset() { *this = RetryPlan(); }

  [[nodiscard]] bool IsDue(MonotonicTime now) const { return now >= due_at_; }
  // kNever: nothing has failed.
  [[nodiscard]] MonotonicTime due_at() const { return due_at_; }

 private:
  MonotonicTime due_at_ = kNever;
  std::chrono::minutes delay_ = kDelayFirst;
};

}  // namespace gatehouse
