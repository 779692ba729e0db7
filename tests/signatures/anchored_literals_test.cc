#include "signatures/anchored_literals.h"

#include <gtest/gtest.h>

#include <string_view>

namespace gatehouse {
namespace {

AnchoredLiteral At(uint64_t offset, std::string_view text, uint32_t id) {
  const ByteView bytes = AsBytes(text);
  return {offset, {bytes.begin(), bytes.end()}, id};
}

TEST(AnchoredLiteralsTest, AnEmptySetFindsNothing) {
  const AnchoredLiterals none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.longest(), 0U);
  EXPECT_EQ(none.SmallestIn(AsBytes("abc"), 0, 0), kNoSignature);
}

TEST(AnchoredLiteralsTest, FindsALiteralOnlyAtItsOffset) {
  const AnchoredLiterals literals({At(3, "xy", 7)});
  EXPECT_EQ(literals.SmallestIn(AsBytes("abcxy"), 0, 0), 7U);
  EXPECT_EQ(literals.SmallestIn(AsBytes("abxyz"), 0, 0), kNoSignature);
  EXPECT_EQ(literals.SmallestIn(AsBytes("abcxz"), 0, 0), kNoSignature);
}

TEST(AnchoredLiteralsTest, DoesNotLookBehindTheWindow) {
  const AnchoredLiterals literals({At(3, "xyz", 7)});
  EXPECT_EQ(literals.SmallestIn(AsBytes("abcxy"), 0, 0), kNoSignature);
  EXPECT_EQ(literals.SmallestIn(AsBytes("abcx"), 0, 0), kNoSignature);
  EXPECT_EQ(literals.SmallestIn(AsBytes("abc"), 0, 0), kNoSignature);
}

TEST(AnchoredLiteralsTest, ReturnsTheSmallestIdOfSeveral) {
  const AnchoredLiterals literals(
      {At(0, "ab", 5), At(0, "abc", 4), At(2, "cd", 9), At(0, "ab", 6)});
  EXPECT_EQ(literals.longest(), 3U);
  EXPECT_EQ(literals.SmallestIn(AsBytes("abcd"), 0, 0), 4U);
  EXPECT_EQ(literals.SmallestIn(AsBytes("ab_d"), 0, 0), 5U);
  EXPECT_EQ(literals.SmallestIn(AsBytes("__cd"), 0, 0), 9U);
}

TEST(AnchoredLiteralsTest, ReportsALiteralInTheWindowThatBringsItsLastByte) {
  const AnchoredLiterals literals({At(100, "abcd", 1)});
  EXPECT_EQ(literals.SmallestIn(AsBytes("abcd"), 100, 3), 1U);
  EXPECT_EQ(literals.SmallestIn(AsBytes("abcd"), 100, 4), kNoSignature);
  EXPECT_EQ(literals.SmallestIn(AsBytes("_abcd_"), 99, 5), kNoSignature);
  EXPECT_EQ(literals.SmallestIn(AsBytes("_abcd_"), 99, 4), 1U);
}

TEST(AnchoredLiteralsTest, TakesOffsetsBeyondFourGigabytes) {
  const uint64_t offset = (uint64_t{5} << 32) + 1;
  const AnchoredLiterals literals({At(offset, "ab", 1)});
  EXPECT_EQ(literals.SmallestIn(AsBytes("_ab"), offset - 1, 0), 1U);
  EXPECT_EQ(literals.SmallestIn(AsBytes("_ab"), 0, 0), kNoSignature);
}

}  // namespace
}  // namespace gatehouse
