// Approval: may we hold what programs do? The administrator must approve it
// within a minute; else the product falls back to what it may do without, so
// that the device stays protected, and stays there until it is started anew.
//
//   kAwaiting --connected--> kActive --refused--> kAwaiting, a new minute
//   kAwaiting --the minute is over, or no waiting can help--> kFallback
//
// Attempts are the caller's: one when AttemptIsDue, and their result comes back
// with OnAttempt. In kActive they go on, once a second, to notice that the
// approval was taken back; in kFallback there are none.
//
// Thread-compatible. Reads no clock: time is what the caller says, and must be
// monotonic and stand still while the system sleeps.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace gatehouse {

enum class ApprovalState : uint8_t { kAwaiting, kActive, kFallback };

// "awaiting_approval", "active", "fallback".
[[nodiscard]] const char* ApprovalStateWord(ApprovalState state);

class Approval {
 public:
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::chrono::seconds kAttemptPeriod{1};
  static constexpr std::chrono::seconds kAttemptPeriodMax{8};

  // Waits from `now` on. `window` is for tests and for those who cannot wait.
  explicit Approval(MonotonicTime now,
                    std::chrono::nanoseconds window = kWindow)
      : window_(window), until_(now + window), next_attempt_(now) {}

  [[nodiscard]] bool AttemptIsDue(MonotonicTime now) const;

  // What connecting at `now` gave.
  void OnAttempt(es_new_client_result_t result, MonotonicTime now);

  // To be called when no attempt is due, too: the minute may be over.
  void OnTime(MonotonicTime now);

  [[nodiscard]] ApprovalState state() const { return state_; }
  // Of the last attempt.
  [[nodiscard]] es_new_client_result_t result() const { return result_; }
  // How much of the minute is left; 0 in the other states.
  [[nodiscard]] std::chrono::nanoseconds Left(MonotonicTime now) const;

 private:
  void OnRefusal(es_new_client_result_t result, MonotonicTime now);

  std::chrono::nanoseconds window_;
  ApprovalState state_ = ApprovalState::kAwaiting;
  es_new_client_result_t result_ = ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED;
  MonotonicTime until_;  // kAwaiting: the end of the minute.
  MonotonicTime next_attempt_;
  std::chrono::seconds period_ = kAttemptPeriod;
};

}  // namespace gatehouse
