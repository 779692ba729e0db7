#include "es_adapter/deadline.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <vector>

namespace gatehouse {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;

struct Row {
  nanoseconds left{0};
  nanoseconds budget{0};
};

TEST(DeadlineTest, LeavesTheHeadRoomThatTheTableSays) {
  const std::vector<Row> table = {
      {-3000ms, 0ms},       {-1ns, 0ms},          {0ms, 0ms},
      {10ms, 0ms},          {20ms, 0ms},          {21ms, 10'500us},
      {900ms, 450ms},       {2000ms, 1000ms},     {3000ms, 2000ms},
      {5000ms, 4000ms},     {15'000ms, 12'000ms}, {25'000ms, 20'000ms},
      {60'000ms, 55'000ms},
  };
  for (const Row& row : table) {
    EXPECT_EQ(AnswerBudget(row.left), row.budget) << row.left.count() << " ns";
  }
}

TEST(DeadlineTest, TakesNoNumberForTooLarge) {
  constexpr nanoseconds kLeft = nanoseconds::max();
  EXPECT_EQ(AnswerBudget(kLeft), kLeft - 5000ms);
  EXPECT_EQ(AnswerBudget(nanoseconds::min()), nanoseconds::zero());
}

TEST(DeadlineTest, NeverGivesMoreThanIsLeftNorLessThanBefore) {
  nanoseconds before{0};
  for (milliseconds left{-100}; left < 70'000ms; left += 1ms) {
    const nanoseconds budget = AnswerBudget(left);
    ASSERT_GE(budget, before) << left.count() << " ms";
    ASSERT_LE(budget, std::max<nanoseconds>(left, 0ms));
    before = budget;
  }
}

TEST(DeadlineTest, GrowsWithWhatIsLeftAtAnyTwoPlaces) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int64_t> any(-1'000'000'000, 100'000'000'000);
  for (int round = 0; round < 10'000; ++round) {
    const auto [less, more] =
        std::minmax({nanoseconds(any(random)), nanoseconds(any(random))});
    ASSERT_LE(AnswerBudget(less), AnswerBudget(more))
        << less.count() << " and " << more.count();
  }
}

}  // namespace
}  // namespace gatehouse
