#include "es_adapter/approval.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace gatehouse {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kOk = ES_NEW_CLIENT_RESULT_SUCCESS;
constexpr auto kNotPermitted = ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED;
constexpr auto kInternal = ES_NEW_CLIENT_RESULT_ERR_INTERNAL;

MonotonicTime At(milliseconds since_start) {
  return MonotonicTime(hours(1000) + since_start);
}

// Lets time pass in steps of 100 ms and attempts whenever one is due; returns
// when, in milliseconds.
template <typename Result>
std::vector<long> LetPass(Approval& approval, milliseconds from,
                          milliseconds to, Result result_at) {
  std::vector<long> attempts;
  for (milliseconds now = from; now <= to; now += milliseconds(100)) {
    if (approval.AttemptIsDue(At(now))) {
      attempts.push_back(now.count());
      approval.OnAttempt(result_at(now), At(now));
    } else {
      approval.OnTime(At(now));
    }
  }
  return attempts;
}

TEST(ApprovalTest, IsActiveAtOnceWhenItWasApprovedBefore) {
  Approval approval(At(milliseconds(0)));
  EXPECT_EQ(approval.state(), ApprovalState::kAwaiting);
  ASSERT_TRUE(approval.AttemptIsDue(At(milliseconds(0))));
  approval.OnAttempt(kOk, At(milliseconds(0)));
  EXPECT_EQ(approval.state(), ApprovalState::kActive);
}

TEST(ApprovalTest, AsksOnceASecond) {
  Approval approval(At(milliseconds(0)));
  const std::vector<long> attempts =
      LetPass(approval, milliseconds(0), milliseconds(3000),
              [](milliseconds) { return kNotPermitted; });
  EXPECT_EQ(attempts, (std::vector<long>{0, 1000, 2000, 3000}));
  EXPECT_EQ(approval.state(), ApprovalState::kAwaiting);
  EXPECT_EQ(approval.Left(At(milliseconds(3000))), seconds(57));
}

struct Moment {
  milliseconds approved;
  ApprovalState state;
};
class ApprovedAt : public testing::TestWithParam<Moment> {};

TEST_P(ApprovedAt, WithinTheMinuteOrNot) {
  Approval approval(At(milliseconds(0)));
  approval.OnAttempt(kNotPermitted, At(milliseconds(0)));
  approval.OnAttempt(kOk, At(GetParam().approved));
  EXPECT_EQ(approval.state(), GetParam().state);
}

INSTANTIATE_TEST_SUITE_P(
    Approval, ApprovedAt,
    testing::Values(Moment{milliseconds(1), ApprovalState::kActive},
                    Moment{milliseconds(59'900), ApprovalState::kActive},
                    Moment{milliseconds(59'999), ApprovalState::kActive},
                    Moment{milliseconds(60'000), ApprovalState::kFallback},
                    Moment{milliseconds(60'100), ApprovalState::kFallback},
                    // The clock jumped, or the thread was late.
                    Moment{hours(3), ApprovalState::kFallback}));

TEST(ApprovalTest, FallsBackWithoutAnotherAttempt) {
  Approval approval(At(milliseconds(0)));
  approval.OnAttempt(kNotPermitted, At(milliseconds(0)));
  approval.OnTime(At(milliseconds(59'999)));
  EXPECT_EQ(approval.state(), ApprovalState::kAwaiting);
  approval.OnTime(At(milliseconds(60'000)));
  EXPECT_EQ(approval.state(), ApprovalState::kFallback);
  EXPECT_EQ(approval.result(), kNotPermitted) << "the reason stays";
}

TEST(ApprovalTest, StaysFallenBack) {
  Approval approval(At(milliseconds(0)));
  LetPass(approval, milliseconds(0), milliseconds(60'000),
          [](milliseconds) { return kNotPermitted; });
  ASSERT_EQ(approval.state(), ApprovalState::kFallback);
  const std::vector<long> attempts =
      LetPass(approval, milliseconds(60'100), milliseconds(200'000),
              [](milliseconds) { return kOk; });
  EXPECT_TRUE(attempts.empty());
  approval.OnAttempt(kOk, At(milliseconds(200'000)));
  EXPECT_EQ(approval.state(), ApprovalState::kFallback);
}

TEST(ApprovalTest, ARevocationStartsANewMinute) {
  Approval approval(At(milliseconds(0)));
  const auto approved_until_100_s = [](milliseconds now) {
    return now < seconds(100) ? kOk : kNotPermitted;
  };
  LetPass(approval, milliseconds(0), milliseconds(159'900),
          approved_until_100_s);
  EXPECT_EQ(approval.state(), ApprovalState::kAwaiting);
  approval.OnTime(At(milliseconds(160'000)));
  EXPECT_EQ(approval.state(), ApprovalState::kFallback);
}

TEST(ApprovalTest, MayBeApprovedAgainAfterARevocation) {
  Approval approval(At(milliseconds(0)));
  approval.OnAttempt(kOk, At(milliseconds(0)));
  approval.OnAttempt(kNotPermitted, At(seconds(10)));
  ASSERT_EQ(approval.state(), ApprovalState::kAwaiting);
  approval.OnAttempt(kOk, At(seconds(69)));
  EXPECT_EQ(approval.state(), ApprovalState::kActive);
}

TEST(ApprovalTest, DoesNotWaitWhenWaitingCannotHelp) {
  for (const es_new_client_result_t result :
       {ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED,
        ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT}) {
    Approval approval(At(milliseconds(0)));
    approval.OnAttempt(result, At(milliseconds(0)));
    EXPECT_EQ(approval.state(), ApprovalState::kFallback);
    EXPECT_EQ(approval.result(), result);
  }
}

TEST(ApprovalTest, TriesLessAndLessOftenWhenTheSystemFails) {
  Approval approval(At(milliseconds(0)));
  const std::vector<long> attempts =
      LetPass(approval, milliseconds(0), milliseconds(30'000),
              [](milliseconds) { return kInternal; });
  EXPECT_EQ(attempts, (std::vector<long>{0, 1000, 3000, 7000, 15'000, 23'000}));
  approval.OnTime(At(seconds(60)));
  EXPECT_EQ(approval.state(), ApprovalState::kFallback);
}

TEST(ApprovalTest, AnotherWindowIsPossible) {
  Approval approval(At(milliseconds(0)), seconds(2));
  approval.OnAttempt(kNotPermitted, At(milliseconds(0)));
  approval.OnTime(At(milliseconds(1999)));
  EXPECT_EQ(approval.state(), ApprovalState::kAwaiting);
  approval.OnTime(At(milliseconds(2000)));
  EXPECT_EQ(approval.state(), ApprovalState::kFallback);
  EXPECT_STREQ(ApprovalStateWord(approval.state()), "fallback");
}

}  // namespace
}  // namespace gatehouse
