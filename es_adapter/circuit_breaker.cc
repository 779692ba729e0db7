#include "es_adapter/circuit_breaker.h"

#include <algorithm>
#include <cassert>

namespace gatehouse {

void CircuitBreaker::Resume(BreakerCause cause, uint32_t doublings,
                            MonotonicTime now) {
  assert(cause != BreakerCause::kNone && !is_open());
  doublings_ = std::min(doublings, kDoublingsMax);
  cause_ = cause;
  calm_since_ = now;
}

void CircuitBreaker::Observe(const Observation& observation,
                             MonotonicTime now) {
  assert(!has_seen_ || observation.misses >= seen_misses_);
  const uint64_t fresh = has_seen_ ? observation.misses - seen_misses_ : 0;
  has_seen_ = true;
  seen_misses_ = observation.misses;
  const bool waits = observation.longest_wait > budget_;
  if (is_open()) {
    if (fresh != 0 || waits) calm_since_ = now;
    if (now - calm_since_ < calm()) return;
    cause_ = BreakerCause::kNone;
    // What comes before it has stayed closed for as long as it would have to be
    // calm next is one more in a row.
    doubles_until_ = now + 2 * calm();
    return;
  }
  NoteMisses(fresh, now);
  waiting_since_ = waits ? std::min(waiting_since_, now) : kNever;
  if (HasTooManyMisses(now)) {
    Open(BreakerCause::kMisses, now);
  } else if (waits && now - waiting_since_ >= kWaitPatience) {
    Open(BreakerCause::kWait, now);
  }
}

void CircuitBreaker::Open(BreakerCause cause, MonotonicTime now) {
  doublings_ =
      now < doubles_until_ ? std::min(doublings_ + 1, kDoublingsMax) : 0;
  cause_ = cause;
  calm_since_ = now;
  waiting_since_ = kNever;
  miss_count_ = 0;
}

void CircuitBreaker::NoteMisses(uint64_t count, MonotonicTime now) {
  const auto noted = std::min<uint64_t>(count, misses_.size());
  for (uint64_t i = 0; i < noted; ++i) {
    misses_.at(next_miss_) = now;
    next_miss_ = (next_miss_ + 1) % misses_.size();
    miss_count_ = std::min(miss_count_ + 1, misses_.size());
  }
}

// The ring is full, and what is overwritten next is not old.
bool CircuitBreaker::HasTooManyMisses(MonotonicTime now) const {
  return miss_count_ == misses_.size() &&
         now - misses_.at(next_miss_) <= kMissWindow;
}

std::chrono::nanoseconds CircuitBreaker::CalmLeft(MonotonicTime now) const {
  if (!is_open()) return std::chrono::nanoseconds(0);
  return std::max(calm_since_ + calm() - now, std::chrono::nanoseconds::zero());
}

}  // namespace gatehouse
