#include "engine/matching/regex_literal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "engine/matching/regex_matcher.h"
#include "signatures/signature.h"

namespace gatehouse {
namespace {

struct LiteralCase {
  std::string expression;
  std::string literals;
  uint32_t options = 0;
};

const LiteralCase kCases[] = {
    {"abc", "abc"},
    {"abc", "abc", kRegexCaseless},
    {"AbC", "AbC"},
    {"AbC", "abc", kRegexCaseless},
    {"AbC", "", kRegexExtended},
    {"ab|cd", ""},
    {"a(b|c)def", "def"},
    {"abcd?ef", "abc,ef"},
    {"abc*def", "def,ab"},
    {"abc+def", "cdef,abc"},
    {"abc{2}de", "abc,cde"},
    {"abcx{0,2}d", "abc"},
    {"x{0}abc", "abc"},
    {"ab{2,3}?cd", "bcd,ab"},
    {"f\\(\\) {var", "f() {var"},
    {"a{,2}bc", ""},
    {"\\x3b \\x41b", "; Ab"},
    {"\\x4", ""},
    {"ab\\d+cde", "cde,ab"},
    {"ab\\012cde", "cde,ab"},
    {"(a)b\\1cde", "cde"},
    {"ab\\Qc*\\E", ""},
    {"ab\\Kcd", ""},
    {"[]a]bc[^]x]d", "bc"},
    {"[a\\]b]cd", "cd"},
    {"[[:alpha:]]bc", ""},
    {"(?i)abc", ""},
    {"(x(?i)y)abc", ""},
    {"(?:x|y)abc", "abc"},
    {"(?P<n>x)abc", "abc"},
    {"(?P<n>x)ab(?P=n)cde", "cde,ab"},
    {"(?P<n>x)ab(?P>n)cde", ""},
    {"(?=abc)de", "de"},
    {"(?<!abcd)ef", "ef"},
    {"(?#ab)cde", ""},
    {"(?1)abc(x)", ""},
    {"(?(1)a|b)cde", ""},
    {"(*UTF)abc", ""},
    {"(a\\)b|[)]c)def", "def"},
    {"ab\xc3\xa9"
     "cde",
     "cde,ab"},
    {"^abc$", "abc"},
    {"ab.cde", "cde,ab"},
    {"", ""},
};

class RegexLiteralTest : public testing::TestWithParam<LiteralCase> {};

TEST_P(RegexLiteralTest, AreTheLongestThatAreCertain) {
  std::string literals;
  for (const std::string& one :
       LiteralsOfRegex(GetParam().expression, GetParam().options)) {
    literals += (literals.empty() ? "" : ",") + one;
  }
  EXPECT_EQ(literals, GetParam().literals) << GetParam().expression;
}

INSTANTIATE_TEST_SUITE_P(Table, RegexLiteralTest, testing::ValuesIn(kCases));

// An expression that cannot tell its literal is run as it is.
MatchCount CountOf(const std::string& expression, uint32_t options,
                   const std::string& subject) {
  static uint32_t key = 0;
  RegexMatcher matcher;
  WorkBudget budget(uint64_t{1} << 40);
  RegexMatcher::Task task;
  task.key = ++key;
  task.expression = expression;
  task.options = options;
  task.enough = 100;
  return matcher.Count(task, AsBytes(subject), budget);
}

TEST(RegexLiteralTest, AreInWhateverMatches) {
  std::mt19937 random(21);
  const std::vector<std::string> pieces = {
      "a",          "b",        "A",     "bb",      "\\x61", "[ab]", "[^b]",
      "(a|b)",      "(?:ab|A)", ".",     "a+",      "b*",    "A?",   "a{2}",
      "b{0,1}",     "(ab)+",    "(?=a)", "\\w",     "|",     "{",    "{a",
      "(a|(b|A)b)", "a+?",      "\\1",   "[a\\]b]", "$",     "\\{"};
  size_t with_literal = 0;
  size_t matches = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string expression;
    const size_t count = 1 + random() % 6;
    for (size_t k = 0; k < count; ++k) {
      expression += pieces.at(random() % pieces.size());
    }
    std::string subject;
    for (size_t k = random() % 24; k > 0; --k)
      subject += "aabbA{ ]"[random() % 8];
    uint32_t options = 0;
    if (random() % 2 == 0) options |= kRegexCaseless;
    if (random() % 2 == 0) options |= kRegexGlobal;
    // A group around it hides its literals.
    const std::string hidden = "(?:" + expression + ")";
    ASSERT_TRUE(LiteralsOfRegex(hidden, options).empty());
    const MatchCount expected = CountOf(hidden, options, subject);
    const MatchCount found = CountOf(expression, options, subject);
    ASSERT_EQ(found.count, expected.count) << expression << " in " << subject;
    ASSERT_EQ(found.last_begin, expected.last_begin) << expression;
    if (!LiteralsOfRegex(expression, options).empty()) ++with_literal;
    if (expected.count != 0) ++matches;
  }
  // Else it would say little.
  EXPECT_GT(with_literal, 4000U);
  EXPECT_GT(matches, 2000U);
}

}  // namespace
}  // namespace gatehouse
