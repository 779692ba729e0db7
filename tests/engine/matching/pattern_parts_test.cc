#include "engine/matching/pattern_parts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace gatehouse {
namespace {

std::vector<uint8_t> TwoParts(uint8_t last) {
  PatternWriter writer;
  writer.Literal('a');
  writer.Gap(1, 2);
  writer.Literal('b');
  writer.Literal(last);
  return writer.Take();
}

TEST(PatternPartsTest, SaysWhatPartsOfSays) {
  const std::vector<uint8_t> program = TwoParts('c');
  PatternParts parts;
  const auto& first = parts.Of(program);
  ASSERT_TRUE(first.has_value());
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ(first->back().gap_max, 2U);
  EXPECT_EQ(first->back().length_max, 2U);
}

TEST(PatternPartsTest, ReadsAProgramOnce) {
  const std::vector<uint8_t> program = TwoParts('c');
  PatternParts parts;
  const auto* const first = &parts.Of(program);
  const size_t kept = parts.kept();
  EXPECT_EQ(&parts.Of(program), first);
  EXPECT_EQ(parts.kept(), kept);
}

TEST(PatternPartsTest, TellsProgramsThatBeginAtOnePlaceApart) {
  const std::vector<uint8_t> program = TwoParts('c');
  PatternParts parts;
  ASSERT_TRUE(parts.Of(program).has_value());
  const auto& cut = parts.Of(ByteView(program).first(program.size() - 1));
  EXPECT_FALSE(cut.has_value());
  EXPECT_TRUE(parts.Of(program).has_value());
}

TEST(PatternPartsTest, ForgetsProgramsBeyondItsLimit) {
  constexpr size_t kWeight = 5;  // Two parts, a run in each, and the program.
  constexpr size_t kPrograms = 2 * PatternParts::kKeptMax / kWeight;
  const std::vector<std::vector<uint8_t>> programs(kPrograms, TwoParts('c'));
  PatternParts parts;
  size_t most = 0;
  for (const std::vector<uint8_t>& program : programs) {
    ASSERT_TRUE(parts.Of(program).has_value());
    most = std::max(most, parts.kept());
  }
  EXPECT_GE(most, PatternParts::kKeptMax);
  EXPECT_LT(most, PatternParts::kKeptMax + kWeight);
  EXPECT_LT(parts.kept(), PatternParts::kKeptMax);
}

}  // namespace
}  // namespace gatehouse
