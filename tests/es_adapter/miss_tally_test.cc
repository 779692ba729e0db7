#include "es_adapter/miss_tally.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

constexpr uid_t kUser = 1000;
constexpr MonotonicTime kStart{std::chrono::hours(5)};

TEST(MissTallyTest, CountsAFewOfEachUserAndAllOfRoot) {
  MissTally tally;
  for (size_t i = 0; i < MissTally::kOfOneOwnerMax; ++i) {
    EXPECT_TRUE(tally.Counts(kUser, kStart));
  }
  EXPECT_FALSE(tally.Counts(kUser, kStart));
  EXPECT_TRUE(tally.Counts(kUser + 1, kStart));
  for (size_t i = 0; i < 3 * MissTally::kOfOneOwnerMax; ++i) {
    EXPECT_TRUE(tally.Counts(0, kStart));
  }
}

TEST(MissTallyTest, BeginsAnewWhenTheWindowIsOver) {
  MissTally tally;
  for (size_t i = 0; i < 2 * MissTally::kOfOneOwnerMax; ++i) {
    (void)tally.Counts(kUser, kStart);
  }
  const auto last_moment = MissTally::kWindow - std::chrono::nanoseconds(1);
  EXPECT_FALSE(tally.Counts(kUser, kStart + last_moment));
  EXPECT_TRUE(tally.Counts(kUser, kStart + MissTally::kWindow));
}

TEST(MissTallyTest, CountsNobodyElseWhenItIsFull) {
  MissTally tally;
  for (size_t i = 0; i < MissTally::kOwnersMax; ++i) {
    EXPECT_TRUE(tally.Counts(kUser + static_cast<uid_t>(i), kStart));
  }
  EXPECT_FALSE(tally.Counts(1, kStart));
  EXPECT_TRUE(tally.Counts(kUser, kStart));
  EXPECT_TRUE(tally.Counts(1, kStart + MissTally::kWindow));
}

}  // namespace
}  // namespace gatehouse
