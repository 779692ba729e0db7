// CircuitBreaker: when holding programs does more harm than good. It opens when
// too many of them had to be answered without a verdict, or when one waits and
// waits; then nobody is held, and files are judged when they are written. It
// closes after a time of calm, which doubles with each time in a row.
//
//   closed --20 misses within a minute--> open
//   closed --somebody waits for longer than a budget, for 10 s--> open
//   open --calm for 60 s, 2 min, ... 32 min--> closed
//
// Thread-compatible. Reads no clock and counts nothing itself: both are what
// the caller says. Time must be monotonic.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace gatehouse {

enum class BreakerCause : uint8_t { kNone, kMisses, kWait };

class CircuitBreaker {
 public:
  static constexpr size_t kMissesMax = 20;
  static constexpr std::chrono::seconds kMissWindow{60};
  static constexpr std::chrono::seconds kWaitPatience{10};
  static constexpr std::chrono::seconds kCalm{60};
  static constexpr uint32_t kDoublingsMax = 5;

  struct Observation {
    uint64_t misses = 0;  // Since the start of the daemon: it only grows.
    // Of whoever has waited longest and has no answer yet.
    std::chrono::nanoseconds longest_wait{0};
  };

  // `budget`: nobody waits for longer when all is well. `calm` is for tests.
  explicit CircuitBreaker(std::chrono::nanoseconds budget,
                          std::chrono::nanoseconds calm = kCalm)
      : budget_(budget), first_calm_(calm) {}

  // As a predecessor left it: open since `now`, after `doublings`.
  void Resume(BreakerCause cause, uint32_t doublings, MonotonicTime now);

  // To be called about twice a second. The first observation is what later ones
  // are compared with.
  void Observe(const Observation& observation, MonotonicTime now);

  [[nodiscard]] bool is_open() const { return cause_ != BreakerCause::kNone; }
  // kNone while it is closed.
  [[nodiscard]] BreakerCause cause() const { return cause_; }
  [[nodiscard]] uint32_t doublings() const { return doublings_; }
  // How long it must be calm now.
  [[nodiscard]] std::chrono::nanoseconds calm() const {
    return first_calm_ * (int64_t{1} << doublings_);
  }
  // How much of that is left, if nothing happens; 0 while it is closed.
  [[nodiscard]] std::chrono::nanoseconds CalmLeft(MonotonicTime now) const;

 private:
  void Open(BreakerCause cause, MonotonicTime now);
  void NoteMisses(uint64_t count, MonotonicTime now);
  [[nodiscard]] bool HasTooManyMisses(MonotonicTime now) const;

  const std::chrono::nanoseconds budget_;
  const std::chrono::nanoseconds first_calm_;
  BreakerCause cause_ = BreakerCause::kNone;
  uint32_t doublings_ = 0;
  bool has_seen_ = false;
  uint64_t seen_misses_ = 0;
  // When the last misses were, as a ring.
  std::array<MonotonicTime, kMissesMax> misses_ = {};
  size_t miss_count_ = 0;                 // In the ring.
  size_t next_miss_ = 0;                  // Where the next one goes.
  MonotonicTime waiting_since_ = kNever;  // kNever: nobody waits for too long.
  MonotonicTime calm_since_ = kNever;     // While open.
  // A trip before this is one more in a row.
  MonotonicTime doubles_until_ = MonotonicTime::min();
};

}  // namespace gatehouse
