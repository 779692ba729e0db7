#include "signatures/spelled_windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "signatures/byte_pattern.h"

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

std::vector<uint8_t> Literal(std::string_view text, bool is_folded = false) {
  PatternWriter writer;
  for (const uint8_t byte : AsBytes(text)) {
    is_folded ? writer.Folded(byte) : writer.Literal(byte);
  }
  return writer.Take();
}

std::vector<std::string> TextsOf(const SpelledWindow& window) {
  std::vector<std::string> texts;
  for (const std::vector<uint8_t>& text : window.texts) {
    texts.emplace_back(AsText(text));
  }
  return texts;
}

TEST(SpelledWindowsTest, SpellsAlternativesOut) {
  PatternWriter writer;
  writer.Any(3);
  writer.Literal('v');
  writer.OneOf({Literal("6"), Literal("7")});
  writer.Literal('.');
  const auto windows = SpelledWindowsOf(writer.code(), {3, 8, false});
  ASSERT_THAT(windows, SizeIs(1));
  EXPECT_THAT(TextsOf(windows[0]), UnorderedElementsAre("v6.", "v7."));
  EXPECT_EQ(windows[0].distance_min, 3U);
  EXPECT_EQ(windows[0].distance_max, 3U);
  EXPECT_FALSE(windows[0].is_folded);
}

TEST(SpelledWindowsTest, SpellsHalvesOfBytesOut) {
  PatternWriter writer;
  writer.Literal('a');
  writer.Masked({0x30, 0xf0});
  const auto windows = SpelledWindowsOf(writer.code(), {2, 8, false});
  ASSERT_THAT(windows, SizeIs(1));
  EXPECT_THAT(windows[0].texts, SizeIs(16));
}

TEST(SpelledWindowsTest, OfManyLengthsTakesTheShortestAndNothingBehind) {
  PatternWriter writer;
  writer.Literal('a');
  writer.OneOf({Literal("b"), Literal("cc")});
  writer.Literal('d');
  writer.OneOf({Literal("e"), Literal("f")});
  const auto windows = SpelledWindowsOf(writer.code(), {2, 8, false});
  ASSERT_THAT(windows, SizeIs(2));
  EXPECT_THAT(TextsOf(windows[0]), UnorderedElementsAre("ab", "ac"));
  EXPECT_EQ(windows[0].distance_max, 0U);
  EXPECT_THAT(TextsOf(windows[1]), UnorderedElementsAre("de", "df"));
  EXPECT_EQ(windows[1].distance_min, 2U);
  EXPECT_EQ(windows[1].distance_max, 3U);
}

// Of the ways to write a word the one in lower case is left, and that is worth
// being looked for, too.
TEST(SpelledWindowsTest, OfAChoiceOneMayBeLeftInAText) {
  PatternWriter writer;
  writer.OneOf({Literal("S"), Literal("s")});
  writer.Literal('h');
  const auto windows = SpelledWindowsOf(writer.code(), {2, 8, true});
  ASSERT_THAT(windows, SizeIs(1));
  EXPECT_THAT(TextsOf(windows[0]), ElementsAre("sh"));
}

TEST(SpelledWindowsTest, LettersOfOneCaseAndOfEitherDoNotMix) {
  PatternWriter writer;
  writer.Literal('a');
  writer.OneOf({Literal("1"), Literal("2")});
  writer.Folded('b');
  const auto windows = SpelledWindowsOf(writer.code(), {2, 8, false});
  ASSERT_THAT(windows, SizeIs(2));
  EXPECT_THAT(TextsOf(windows[0]), UnorderedElementsAre("a1", "a2"));
  EXPECT_FALSE(windows[0].is_folded);
  EXPECT_THAT(TextsOf(windows[1]), UnorderedElementsAre("1b", "2b"));
  EXPECT_TRUE(windows[1].is_folded);
}

TEST(SpelledWindowsTest, InATextThereIsNeitherUpperCaseNorWhiteSpace) {
  PatternWriter writer;
  writer.Literal('a');
  writer.OneOf({Literal("b"), Literal("c"), Literal("D"), Literal("\xe9")});
  writer.Literal(' ');
  const auto windows = SpelledWindowsOf(writer.code(), {2, 8, true});
  ASSERT_THAT(windows, SizeIs(1));
  EXPECT_THAT(TextsOf(windows[0]), UnorderedElementsAre("ab", "ac"));
  EXPECT_TRUE(windows[0].is_folded);
}

TEST(SpelledWindowsTest, TooManyWaysAreNotSpelledOut) {
  PatternWriter writer;
  for (int i = 0; i < 8; ++i) writer.OneOf({Literal("o"), Literal("0")});
  const auto windows = SpelledWindowsOf(writer.code(), {8, 8, false});
  EXPECT_THAT(windows, IsEmpty());
  const auto shorter = SpelledWindowsOf(writer.code(), {7, 8, false});
  ASSERT_THAT(shorter, SizeIs(2));
  EXPECT_THAT(shorter[0].texts, SizeIs(kSpellingsMax));
}

// Whatever a pattern matches has one of the texts at the window's place.
TEST(SpelledWindowsTest, EveryMatchHasOneOfTheTexts) {
  std::mt19937 random(7);
  size_t seen = 0;
  for (int round = 0; round < 300; ++round) {
    PatternWriter writer;
    std::string match;
    for (size_t steps = 1 + random() % 8; steps > 0; --steps) {
      const auto byte = static_cast<uint8_t>('a' + random() % 20);
      switch (random() % 5) {
        case 0:
          writer.Literal(byte);
          match += static_cast<char>(byte);
          break;
        case 1:
          writer.Masked({static_cast<uint8_t>(byte & 0xf0), 0xf0});
          match += static_cast<char>((byte & 0xf0U) | random() % 16);
          break;
        case 2:
          writer.Any(2);
          match += "??";
          break;
        case 3:
          writer.OneOf({Literal("xy"), Literal("zuv")});
          match += random() % 2 == 0 ? "xy" : "zuv";
          break;
        default:
          writer.OneOf({Literal("xy"), Literal("zu")});
          match += random() % 2 == 0 ? "xy" : "zu";
          break;
      }
    }
    for (const SpelledWindow& window :
         SpelledWindowsOf(writer.code(), {2, 6, false})) {
      const size_t length = window.texts.front().size();
      ASSERT_LE(window.distance_min + length, match.size());
      const auto texts = TextsOf(window);
      bool is_there = false;
      for (size_t at = window.distance_min;
           at <= window.distance_max && at + length <= match.size(); ++at) {
        is_there = is_there || std::count(texts.begin(), texts.end(),
                                          match.substr(at, length)) == 1;
      }
      EXPECT_TRUE(is_there) << match;
      ++seen;
    }
  }
  EXPECT_GT(seen, 500U);
}

}  // namespace
}  // namespace gatehouse
