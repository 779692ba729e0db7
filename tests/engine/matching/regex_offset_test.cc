// Where an expression with an offset may match: what clamscan 1.4.6 was seen to
// do (tests/signatures/oracle/compare_regexes.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "engine/matching/regex_matcher.h"
#include "signatures/signature.h"

namespace gatehouse {
namespace {

constexpr uint64_t kBytes = 40;

// How often `expression` matches at an offset of 10 with that shift.
uint64_t CountIn(const std::string& content, std::string_view expression,
                 uint32_t options, uint64_t shift) {
  RegexMatcher matcher;
  WorkBudget budget(1'000'000'000);
  RegexMatcher::Task task;
  task.expression = expression;
  task.options = options;
  task.is_anywhere = false;
  task.start = {10, 10 + shift};
  task.enough = PatternSearch::kAll;
  return matcher.Count(task, AsBytes(content), budget).count;
}

// The places where QZ is found, from the first to the last.
PlaceInterval Places(uint32_t options, uint64_t shift,
                     std::string_view expression = "QZ") {
  PlaceInterval places{PatternSearch::kAll, 0};
  for (uint64_t at = 0; at + 2 <= kBytes; ++at) {
    std::string content(kBytes, '.');
    content.replace(at, 2, "QZ");
    if (CountIn(content, expression, options, shift) == 0) continue;
    places.first = std::min(places.first, at);
    places.last = at;
  }
  return places;
}

void ExpectPlaces(const PlaceInterval& places, uint64_t first, uint64_t last) {
  EXPECT_EQ(places.first, first);
  EXPECT_EQ(places.last, last);
}

TEST(RegexOffsetTest, WithoutAShiftItStartsThere) {
  ExpectPlaces(Places(0, 0), 10, 10);
  ExpectPlaces(Places(kRegexEncompass, 0), 10, 10);
}

TEST(RegexOffsetTest, RollingItStartsThereOrLater) {
  ExpectPlaces(Places(kRegexRolling, 0), 10, 38);
  ExpectPlaces(Places(kRegexRolling | kRegexEncompass, 0), 10, 38);
}

TEST(RegexOffsetTest, WithAShiftItStartsWithinIt) {
  ExpectPlaces(Places(0, 5), 10, 15);
  ExpectPlaces(Places(kRegexRolling, 5), 10, 15);
  ExpectPlaces(Places(kRegexGlobal, 5), 10, 15);
}

TEST(RegexOffsetTest, EncompassedItAlsoEndsWithinIt) {
  ExpectPlaces(Places(kRegexEncompass, 5), 10, 13);
  ExpectPlaces(Places(kRegexEncompass | kRegexRolling, 5), 10, 13);
}

TEST(RegexOffsetTest, TheSubjectBeginsAtTheOffset) {
  ExpectPlaces(Places(0, 0, "^QZ"), 10, 10);
  ExpectPlaces(Places(kRegexRolling, 0, "^QZ"), 10, 10);
  ExpectPlaces(Places(0, 5, "^QZ"), 10, 10);
  EXPECT_EQ(CountIn("aaaaaaaaaaQZ", "\\bQZ", 0, 0), 1U);
  EXPECT_EQ(CountIn("aaaaaaaaaaQZ", "(?<=a)QZ", 0, 0), 0U);
}

TEST(RegexOffsetTest, OnlyMatchesThatStartWithinTheShiftCount) {
  const std::string content = "..........QZ.QZ.QZ.QZ";
  EXPECT_EQ(CountIn(content, "QZ", kRegexGlobal, 6), 3U);
  EXPECT_EQ(CountIn(content, "QZ", kRegexGlobal, 5), 2U);
  EXPECT_EQ(CountIn(content, "QZ", kRegexGlobal | kRegexRolling, 0), 4U);
}

}  // namespace
}  // namespace gatehouse
