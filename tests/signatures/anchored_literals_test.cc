#include "signatures/anchored_literals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace gatehouse {
namespace {

AnchoredLiteral At(uint64_t offset, std::string_view text, uint32_t id) {
  const ByteView bytes = AsBytes(text);
  return {offset, {bytes.begin(), bytes.end()}, id};
}

uint32_t SmallestIn(const AnchoredLiterals& literals, ByteView window,
                    uint64_t window_offset, size_t seen_bytes) {
  MatchedIds matched;
  literals.FindIn(window, window_offset, seen_bytes, matched);
  return matched.empty() ? kNoSignature : matched.ids().front();
}

TEST(AnchoredLiteralsTest, AnEmptySetFindsNothing) {
  const AnchoredLiterals none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.longest(), 0U);
  EXPECT_EQ(SmallestIn(none, AsBytes("abc"), 0, 0), kNoSignature);
}

TEST(AnchoredLiteralsTest, FindsALiteralOnlyAtItsOffset) {
  const AnchoredLiterals literals({At(3, "xy", 7)});
  EXPECT_EQ(SmallestIn(literals, AsBytes("abcxy"), 0, 0), 7U);
  EXPECT_EQ(SmallestIn(literals, AsBytes("abxyz"), 0, 0), kNoSignature);
  EXPECT_EQ(SmallestIn(literals, AsBytes("abcxz"), 0, 0), kNoSignature);
}

TEST(AnchoredLiteralsTest, DoesNotLookBehindTheWindow) {
  const AnchoredLiterals literals({At(3, "xyz", 7)});
  EXPECT_EQ(SmallestIn(literals, AsBytes("abcxy"), 0, 0), kNoSignature);
  EXPECT_EQ(SmallestIn(literals, AsBytes("abcx"), 0, 0), kNoSignature);
  EXPECT_EQ(SmallestIn(literals, AsBytes("abc"), 0, 0), kNoSignature);
}

TEST(AnchoredLiteralsTest, ReturnsTheSmallestIdOfSeveral) {
  const AnchoredLiterals literals(
      {At(0, "ab", 5), At(0, "abc", 4), At(2, "cd", 9), At(0, "ab", 6)});
  EXPECT_EQ(literals.longest(), 3U);
  EXPECT_EQ(SmallestIn(literals, AsBytes("abcd"), 0, 0), 4U);
  EXPECT_EQ(SmallestIn(literals, AsBytes("ab_d"), 0, 0), 5U);
  EXPECT_EQ(SmallestIn(literals, AsBytes("__cd"), 0, 0), 9U);
}

TEST(AnchoredLiteralsTest, ReportsEveryOneOfSeveral) {
  const AnchoredLiterals literals(
      {At(0, "ab", 5), At(0, "abc", 4), At(2, "cd", 9), At(0, "ab", 6)});
  MatchedIds matched;
  literals.FindIn(AsBytes("abcd"), 0, 0, matched);
  EXPECT_THAT(matched.ids(), testing::ElementsAre(4U, 5U, 6U, 9U));
  EXPECT_TRUE(matched.is_complete());
}

TEST(MatchedIdsTest, KeepsTheSmallestAndSaysThatThereWereMore) {
  MatchedIds matched;
  for (uint32_t id = 100; id != 0; --id) {
    matched.Add(id);
    matched.Add(id);
  }
  EXPECT_FALSE(matched.is_complete());
  ASSERT_EQ(matched.ids().size(), MatchedIds::kIdsMax);
  EXPECT_EQ(matched.ids().front(), 1U);
  EXPECT_EQ(matched.ids().back(), MatchedIds::kIdsMax);
}

TEST(AnchoredLiteralsTest, ReportsALiteralInTheWindowThatBringsItsLastByte) {
  const AnchoredLiterals literals({At(100, "abcd", 1)});
  EXPECT_EQ(SmallestIn(literals, AsBytes("abcd"), 100, 3), 1U);
  EXPECT_EQ(SmallestIn(literals, AsBytes("abcd"), 100, 4), kNoSignature);
  EXPECT_EQ(SmallestIn(literals, AsBytes("_abcd_"), 99, 5), kNoSignature);
  EXPECT_EQ(SmallestIn(literals, AsBytes("_abcd_"), 99, 4), 1U);
}

TEST(AnchoredLiteralsTest, TakesOffsetsBeyondFourGigabytes) {
  const uint64_t offset = (uint64_t{5} << 32) + 1;
  const AnchoredLiterals literals({At(offset, "ab", 1)});
  EXPECT_EQ(SmallestIn(literals, AsBytes("_ab"), offset - 1, 0), 1U);
  EXPECT_EQ(SmallestIn(literals, AsBytes("_ab"), 0, 0), kNoSignature);
}

}  // namespace
}  // namespace gatehouse
