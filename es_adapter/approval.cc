#include "es_adapter/approval.h"

#include <algorithm>

namespace gatehouse {

const char* ApprovalStateWord(ApprovalState state) {
  switch (state) {
    case ApprovalState::kAwaiting:
      return "awaiting_approval";
    case ApprovalState::kActive:
      return "active";
    case ApprovalState::kFallback:
      return "fallback";
  }
  return "";
}

bool Approval::AttemptIsDue(MonotonicTime now) const {
  return state_ != ApprovalState::kFallback && now >= next_attempt_;
}

void Approval::OnAttempt(es_new_client_result_t result, MonotonicTime now) {
  OnTime(now);
  if (state_ == ApprovalState::kFallback) return;
  result_ = result;
  next_attempt_ = now + kAttemptPeriod;
  if (result == ES_NEW_CLIENT_RESULT_SUCCESS) {
    state_ = ApprovalState::kActive;
    period_ = kAttemptPeriod;
    return;
  }
  if (state_ == ApprovalState::kActive) {
    state_ = ApprovalState::kAwaiting;
    until_ = now + window_;
  }
  OnRefusal(result, now);
}

void Approval::OnRefusal(es_new_client_result_t result, MonotonicTime now) {
  switch (result) {
    case ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED:
    case ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT:
      state_ = ApprovalState::kFallback;  // No waiting helps.
      return;
    case ES_NEW_CLIENT_RESULT_ERR_INTERNAL:
    case ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS:
      next_attempt_ = now + period_;
      period_ = std::min(2 * period_, kAttemptPeriodMax);
      return;
    case ES_NEW_CLIENT_RESULT_SUCCESS:
    case ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED:
    case ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED:
      return;  // Somebody may approve.
  }
}

void Approval::OnTime(MonotonicTime now) {
  if (state_ == ApprovalState::kAwaiting && now >= until_) {
    state_ = ApprovalState::kFallback;
  }
}

std::chrono::nanoseconds Approval::Left(MonotonicTime now) const {
  if (state_ != ApprovalState::kAwaiting) return std::chrono::nanoseconds(0);
  return std::max(until_ - now, MonotonicTime::duration(0));
}

}  // namespace gatehouse
