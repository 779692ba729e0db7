#include "daemon/retry_plan.h"

#include <gtest/gtest.h>

#include <chrono>

namespace gatehouse {
namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ns;

constexpr MonotonicTime kStart{std::chrono::hours(5)};

TEST(RetryPlanTest, NothingIsDueWhenNothingHasFailed) {
  const RetryPlan plan;
  EXPECT_EQ(plan.due_at(), kNever);
  EXPECT_FALSE(plan.IsDue(kStart + std::chrono::hours(100'000)));
}

TEST(RetryPlanTest, IsDueAMinuteAfterTheFirstFailureAndNotBefore) {
  RetryPlan plan;
  plan.OnFailure(kStart);
  EXPECT_FALSE(plan.IsDue(kStart));
  EXPECT_FALSE(plan.IsDue(kStart + 1min - 1ns));
  EXPECT_TRUE(plan.IsDue(kStart + 1min));
  EXPECT_TRUE(plan.IsDue(kStart + 2min));
}

TEST(RetryPlanTest, WaitsTwiceAsLongEachTimeUpToAnHour) {
  RetryPlan plan;
  MonotonicTime now = kStart;
  for (const std::chrono::minutes delay :
       {1min, 2min, 4min, 8min, 16min, 32min, 60min, 60min}) {
    plan.OnFailure(now);
    EXPECT_EQ(plan.due_at() - now, delay);
    now = plan.due_at();
  }
}

TEST(RetryPlanTest, BeginsAgainWithTheShortestDelay) {
  RetryPlan plan;
  plan.OnFailure(kStart);
  plan.OnFailure(kStart);
  plan.Reset();
  EXPECT_EQ(plan.due_at(), kNever);
  plan.OnFailure(kStart);
  EXPECT_EQ(plan.due_at(), kStart + RetryPlan::kDelayFirst);
}

}  // namespace
}  // namespace gatehouse
