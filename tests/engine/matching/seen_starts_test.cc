// Patterns that are searched for where their trigger was seen, against the
// search of everything.
#include "engine/matching/seen_starts.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {
namespace {

constexpr uint64_t kMuchWork = uint64_t{1} << 40;

std::vector<uint8_t> ProgramOf(const std::vector<std::string>& parts,
                               uint32_t gap_min, uint32_t gap_max) {
  PatternWriter writer;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) writer.Gap(gap_min, gap_max);
    for (const char c : parts[i]) {
      if (c == '?') {
        writer.Any(1);
      } else {
        writer.Literal(static_cast<uint8_t>(c));
      }
    }
  }
  return writer.Take();
}

std::vector<uint64_t> EndsOf(std::string_view literal, std::string_view text) {
  std::vector<uint64_t> ends;
  for (size_t at = text.find(literal); at != std::string_view::npos;
       at = text.find(literal, at + 1)) {
    ends.push_back(at + literal.size());
  }
  return ends;
}

std::string RandomText(std::mt19937& random, size_t bytes_max) {
  std::string text;
  for (size_t i = random() % bytes_max; i > 0; --i) {
    text += static_cast<char>('a' + random() % 3);
  }
  return text;
}

uint64_t CountIn(std::string_view text, ByteView program,
                 const std::vector<PlaceInterval>& starts) {
  Content content(AsBytes(text));
  WorkBudget budget(kMuchWork);
  PatternSearch search;
  return search
      .Count(content, PartsOf(program).value(), starts, PatternSearch::kAll,
             budget)
      .count;
}

TEST(SeenStartsTest, LeavesEveryMatch) {
  std::mt19937 random(20261127);
  SeenStarts seen_starts;
  size_t matching = 0;
  size_t narrowed = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::vector<std::string> parts = {"ab", "b?a", "cc"};
    const auto gap_min = static_cast<uint32_t>(random() % 4);
    const bool is_unlimited = random() % 4 == 0;
    const uint32_t gap_max =
        is_unlimited ? kUnlimitedGap
                     : gap_min + static_cast<uint32_t>(random() % 6);
    const std::vector<uint8_t> program = ProgramOf(parts, gap_min, gap_max);
    const std::string text = RandomText(random, 60);
    TriggerUse use;
    use.part = static_cast<uint16_t>(random() % 3);
    // Of the second part, its last byte.
    use.distance_min = use.part == 1 ? 2 : 0;
    use.distance_max = use.distance_min;
    const std::string literal = use.part == 1 ? "a" : parts.at(use.part);
    use.length = static_cast<uint16_t>(literal.size());
    const std::vector<uint64_t> ends = EndsOf(literal, text);
    const std::vector<PlaceInterval> all = {{random() % 8, text.size() / 2},
                                            {text.size() / 2 + 3, text.size()}};
    std::vector<PlaceInterval> starts = all;
    Content content(AsBytes(text));
    WorkBudget budget(kMuchWork);
    seen_starts.Narrow(content, PartsOf(program).value(), {&use, ends}, budget,
                       starts);
    const uint64_t expected = CountIn(text, program, all);
    ASSERT_EQ(CountIn(text, program, starts), expected)
        << text << " part " << use.part << " gap " << gap_min << " " << gap_max;
    matching += expected != 0 ? 1U : 0U;
    narrowed += starts.empty() ? 1U : 0U;
  }
  // Both kinds were there.
  EXPECT_GT(matching, 1000U);
  EXPECT_GT(narrowed, 1000U);
}

// A place that is not told is not searched: what is narrowed matters.
TEST(SeenStartsTest, DropsWhatNoTriggerAllows) {
  const std::vector<uint8_t> program = ProgramOf({"ab", "cc"}, 0, 3);
  const std::string text = "ab cc ab cc";
  TriggerUse use;
  use.part = 1;
  use.length = 2;
  const std::vector<uint64_t> ends = {5};
  std::vector<PlaceInterval> starts = {{0, text.size()}};
  Content content(AsBytes(text));
  WorkBudget budget(kMuchWork);
  SeenStarts().Narrow(content, PartsOf(program).value(), {&use, ends}, budget,
                      starts);
  EXPECT_EQ(CountIn(text, program, {{0, text.size()}}), 2U);
  EXPECT_EQ(CountIn(text, program, starts), 1U);
}

TEST(SeenStartsTest, LeavesMoreWhenTheBudgetIsUsedUp) {
  const std::vector<uint8_t> program = ProgramOf({"ab", "cc"}, 0, 3);
  const std::string text = "ab cc";
  TriggerUse use;
  use.part = 1;
  use.length = 2;
  const std::vector<uint64_t> ends = {5};
  std::vector<PlaceInterval> starts = {{0, 5}};
  Content content(AsBytes(text));
  WorkBudget budget(0);
  SeenStarts().Narrow(content, PartsOf(program).value(), {&use, ends}, budget,
                      starts);
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts.front().last, 5U);
  EXPECT_TRUE(budget.is_exhausted());
}

}  // namespace
}  // namespace gatehouse
