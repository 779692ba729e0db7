// MissTally: which misses speak for trouble of ours, and not of one user's.
//
// Whoever owns a file can make it one that nobody can judge in time, and open
// it as often as he likes. So the files of each user but root count only a few
// times in a while: no single user can open the circuit breaker.
//
// Thread-safe. Of fixed size; reads no clock.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>

#include "base/mutex.h"
#include "base/time.h"

namespace gatehouse {

class MissTally {
 public:
  static constexpr size_t kOfOneOwnerMax = 5;
  static constexpr std::chrono::seconds kWindow{60};
  // More owners at a time than these are not counted at all.
  static constexpr size_t kOwnersMax = 64;

  // A file of `owner` was not judged in time, at `now`: does it count?
  [[nodiscard]] bool Counts(uid_t owner, MonotonicTime now);

 private:
  struct Owner {
    uid_t uid = 0;  // 0: a free place; root is not listed.
    size_t misses = 0;
    MonotonicTime since;
  };

  Mutex mutex_;
  std::array<Owner, kOwnersMax> owners_ GATEHOUSE_GUARDED_BY(mutex_) = {};
};

}  // namespace gatehouse
