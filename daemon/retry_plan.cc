#include "daemon/retry_plan.h"

#include <algorithm>

namespace gatehouse {

void RetryPlan::OnFailure(MonotonicTime now) {
  due_at_ = now + delay_;
  delay_ = std::min(2 * delay_, kDelayMax);
}

}  // namespace gatehouse
