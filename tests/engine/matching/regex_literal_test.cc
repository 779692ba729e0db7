#include "engine/matching/regex_literal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "engine/matching/regex_matcher.h"
#include "signatures/signature.h"

namespace gatehouse {
namespace {

struct LiteralCase {
  std::string expression;
  std::string sets;  // Members of each between '|'.
  uint32_t options = 0;
};

const LiteralCase kCases[] = {
    {"abc", "abc"},
    {"abc", "abc", kRegexCaseless},
    {"AbC", "AbC"},
    {"AbC", "abc", kRegexCaseless},
    {"AbC", "", kRegexExtended},
    {"ab|cd", "ab|cd"},
    {"ab|c", ""},
    {"ab|", ""},
    {"abc|xbcd", "abc|xbcd"},
    {"abc|xabcd", "abc"},
    {"a(b|c)def", "abdef|acdef"},
    {"(createobject|getobject)\\(", "getobject(|createobject("},
    {"(?:http|https)://", "http://|https://"},
    {"[\"']righttoleft['\"]", "righttoleft"},
    {"[0-9]abc", "abc"},
    {"x[ab]z", "xaz|xbz"},
    {"x[aA]z", "xaz", kRegexCaseless},
    {"x[^a]zz", "zz"},
    {"x[a-c]z", "xaz|xbz|xcz"},
    {"x[a\\-c]z", "x-z|xaz|xcz"},
    {"x[a-]z", "x-z|xaz"},
    {"x[]a]z", "x]z|xaz"},
    {"x[\\x41-\\x43]z", "xAz|xBz|xCz"},
    {"x[a\\d]zz", "zz"},
    {"x[a-\\d]zz", "zz"},
    {"x[c-a]zz", ""},
    {"x[\xc3\xa9]zz", "zz"},
    {"[[:alpha:]]bc", "bc"},
    {"[[.a.]]bc", ""},
    {"[\\Qa\\E]bc", ""},
    {"abcd?ef", "abcef|abcdef"},
    {"abc(?:de)*f", "abcf|abcde,def|abcf"},
    {"abc*def", "cdef|abdef,abc|abdef"},
    {"abc+def", "cdef,abc"},
    {"ab(?:foo.*)?cd", "abcd|abfoo,cd"},
    {"abc{2}de", "abccde"},
    {"abcx{0,2}d", "abcd|abcxd|abcxxd"},
    {"x{0}abc", "abc"},
    {"(xyz){0}abc", "abc"},
    {"(?:abc){1,}", "abc"},
    {"(?:ab){9}", "abababab"},
    {"ab{2,3}?cd", "bbcd"},
    {"ab++c", "ab,bc"},
    {"a*", ""},
    {"f\\(\\) {var", "f() {var"},
    {"a{,2}bc", ""},
    {"a{2}{3}bc", ""},
    {"*abc", ""},
    {"\\x3b \\x41b", "; Ab"},
    {"\\x{3b} \\x{41}b", "; Ab"},
    {"\\x{141}bc", ""},
    {"\\x4", ""},
    {"ab\\d+cde", "cde,ab"},
    {"ab\\012cde", "cde,ab"},
    {"(a)b\\1cde", "cde,ab"},
    {"ab\\g{-1}cde", "cde,ab"},
    {"ab\\p{Lu}\\pLcde", "cde,ab"},
    {"ab\\Qc*\\E", ""},
    {"ab\\Kcd", ""},
    {"[]a]bc[^]x]d", "]bc|abc"},
    {"[a\\]b]cd", "]cd|acd|bcd"},
    {"(?i)abc", ""},
    {"(?s-i)abc", "abc", kRegexCaseless},
    {"(?i:abc)", "abc", kRegexCaseless},
    {"(x(?i)y)abc", ""},
    {"(?x) a b c", ""},
    {"(?:x|y)abc", "xabc|yabc"},
    {"(?P<n>x)abc", "xabc"},
    {"(?P<n>x)ab(?P=n)cde", "xab,cde"},
    {"(?P<n>x)ab(?P>n)cde", "xab,cde"},
    {"(?'n'x)ab\\k'n'cde", "xab,cde"},
    {"(?|xa|ya)bc", "xabc|yabc"},
    {"(?>xa|ya)bc", "xabc|yabc"},
    {"(?=abc)de", "de"},
    {"(?<!abcd)ef", "ef"},
    {"r(?!egsvr32)e", "re"},
    {"(?#ab)cde", ""},
    {"(?1)abc(x)", "abcx"},
    {"abc(?R)?de", "abc,de"},
    {"(x)(?(1)ab|bb)cde", "cde"},
    {"(?(?=x(y))ab|bb)cde", "cde"},
    {"(*UTF)abc", ""},
    {"abc(*ACCEPT)de", ""},
    {"(abc", ""},
    {"abc)", ""},
    {"(a\\)b|[)]c)def", ")cdef|a)bdef"},
    {"ab\xc3\xa9"
     "cde",
     "cde,ab"},
    {"^abc$", "abc"},
    {"ab\\b.cde", "cde,ab"},
    {"", ""},
};

std::string Shown(const std::vector<RegexLiteralSet>& sets) {
  std::string shown;
  for (const RegexLiteralSet& set : sets) {
    if (!shown.empty()) shown += ",";
    for (const std::string& one : set) {
      shown += (&one == set.data() ? "" : "|") + one;
    }
  }
  return shown;
}

class RegexLiteralTest : public testing::TestWithParam<LiteralCase> {};

TEST_P(RegexLiteralTest, AreTheMostTellingThatAreCertain) {
  EXPECT_EQ(
      Shown(LiteralSetsOfRegex(GetParam().expression, GetParam().options)),
      GetParam().sets)
      << GetParam().expression;
}

INSTANTIATE_TEST_SUITE_P(Table, RegexLiteralTest, testing::ValuesIn(kCases));

// A word in which each letter may be written as an entity, and what joins
// strings may stand between any two.
TEST(RegexLiteralTest, AreToldOfManySpellingsOfAWord) {
  const std::string joined = "(?:[\"']*\\s*&amp\\;\\s*[\"'])*?";
  std::string expression =
      "(?:(?:r(?!egedit)|(?:&#(?:(?:114|82)(?:\\.\\d+)*|"
      "x(?:52|72))\\;)))";
  const std::string_view letters = "egedit";
  for (size_t i = 0; i < letters.size(); ++i) {
    expression += joined + "(?:&#(?:(?:10" + std::to_string(i) + "|6" +
                  std::to_string(i) + ")(?:\\.\\d+)*\\;|x(?:65|45)\\;)|" +
                  letters[i] + ")";
  }
  EXPECT_EQ(
      Shown(LiteralSetsOfRegex(expression, kRegexCaseless | kRegexDotAll)),
      "&#|&amp;|regedit");
}

TEST(RegexLiteralTest, AreFewAndShort) {
  std::string many;
  for (int i = 0; i < 40; ++i) {
    many += (i == 0 ? "" : "|") + std::string(1, static_cast<char>('A' + i)) +
            std::to_string(i);
  }
  EXPECT_EQ(Shown(LiteralSetsOfRegex(many, 0)), "");
  std::string alike;
  for (int i = 0; i < 40; ++i) {
    alike += (i == 0 ? "word" : "|word") + std::to_string(i) + ".";
  }
  EXPECT_EQ(Shown(LiteralSetsOfRegex(alike, 0)), "word");
  const std::string word(kRegexLiteralBytesMax, 'a');
  EXPECT_EQ(Shown(LiteralSetsOfRegex(word, 0)), word);
  EXPECT_EQ(Shown(LiteralSetsOfRegex(word + "b", 0)),
            word + "," + word.substr(1) + "b");
  EXPECT_EQ(LiteralSetsOfRegex("ab.cd.ef.gh.ij", 0).size(), kRegexLiteralsMax);
  EXPECT_EQ(Shown(LiteralSetsOfRegex(
                std::string(300, '(') + "ab" + std::string(300, ')'), 0)),
            "");
}

// With a comment in front, nothing is told of it: PCRE2 alone decides.
std::string Untold(const std::string& expression) {
  return "(?#)" + expression;
}

MatchCount CountOf(const std::string& expression, uint32_t options,
                   const std::string& subject) {
  static uint32_t key = 0;
  static RegexMatcher matcher;
  WorkBudget budget(uint64_t{1} << 40);
  RegexMatcher::Task task;
  task.key = ++key;
  task.expression = expression;
  task.options = options;
  task.enough = 100;
  return matcher.Count(task, AsBytes(subject), budget);
}

TEST(RegexLiteralTest, LoseNoMatch) {
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
    ASSERT_TRUE(LiteralSetsOfRegex(Untold(expression), options).empty());
    const MatchCount expected = CountOf(Untold(expression), options, subject);
    const MatchCount found = CountOf(expression, options, subject);
    ASSERT_EQ(found.count, expected.count) << expression << " in " << subject;
    ASSERT_EQ(found.last_begin, expected.last_begin) << expression;
    if (!LiteralSetsOfRegex(expression, options).empty()) ++with_literal;
    if (expected.count != 0) ++matches;
  }
  // Else it would say little.
  EXPECT_GT(with_literal, 4000U);
  EXPECT_GT(matches, 2000U);
}

// An expression, and something that mostly matches it.
struct Sample {
  std::string expression;
  std::string match;
};

class SampleMaker {
 public:
  explicit SampleMaker(uint32_t seed) : random_(seed) {}

  Sample Row(size_t depth) {
    Sample row;
    for (size_t left = 1 + Below(depth == 0 ? 3 : 5); left > 0; --left) {
      const Sample next = Quantified(depth);
      row.expression += next.expression;
      row.match += next.match;
    }
    return row;
  }
  // So many of `count` are equally likely.
  size_t Below(size_t count) { return random_() % count; }

 private:
  Sample Choice(size_t depth) {
    Sample choice = Row(depth);
    for (size_t left = Below(4); left > 0; --left) {
      Sample other = Below(8) == 0 ? Sample{} : Row(depth);
      choice.expression += "|" + other.expression;
      if (Below(2) == 0) choice.match = std::move(other.match);
    }
    return choice;
  }

  Sample Quantified(size_t depth) {
    const Sample once = Atom(depth);
    struct Quantifier {
      std::string_view text;
      size_t min;
      size_t max;
    };
    static constexpr Quantifier kAll[] = {
        {"*", 0, 2},     {"*?", 0, 3},    {"+", 1, 3},     {"+?", 1, 2},
        {"?", 0, 1},     {"??", 0, 1},    {"*+", 0, 2},    {"{2}", 2, 2},
        {"{0,2}", 0, 2}, {"{1,3}", 1, 3}, {"{0}", 0, 0},   {"{3,}?", 3, 4},
        {"{5}", 5, 5},   {"{2,6}", 2, 6}, {"{0,5}?", 0, 5}};
    if (once.expression.empty() || Below(3) != 0) return once;
    const Quantifier& how = kAll[Below(std::size(kAll))];
    Sample all{once.expression + std::string(how.text), ""};
    const size_t count = how.min + Below(how.max - how.min + 1);
    for (size_t i = 0; i < count; ++i) all.match += once.match;
    return all;
  }

  Sample Atom(size_t depth) {
    const size_t kind = Below(depth == 0 ? 8 : 12);
    if (kind < 3) {
      const std::string letter(1, "abcABC&#;1. r"[Below(13)]);
      return {letter == "." ? "\\." : letter, letter};
    }
    if (kind == 3) return AnyOf(kWords);
    if (kind < 6) return AnyOf(kClasses);
    if (kind == 6) return AnyOf(kOdd);
    if (kind == 7) return Entity();
    return Group(depth - 1);
  }

  Sample Entity() {
    static const std::vector<Sample> kSpellings = {
        {"", "&#114;"}, {"", "&#82.5;"}, {"", "&#x52;"}, {"", "r"}};
    Sample entity = AnyOf(kSpellings);
    entity.expression = "(?:&#(?:(?:114|82)(?:\\.\\d+)*|x(?:52|72));|r(?!egs))";
    return entity;
  }

  Sample Group(size_t depth) {
    Sample inner = Choice(depth);
    static const std::vector<std::string> kBegins = {
        "(", "(?:", "(?:", "(?>", "(?|", "(?s:", "(?=", "(?!", "(?P<n"};
    std::string begin = kBegins[Below(kBegins.size())];
    if (begin == "(?=" || begin == "(?!") inner.match.clear();
    if (begin == "(?P<n") begin += std::to_string(++names_) + ">";
    return {begin + inner.expression + ")", inner.match};
  }

  Sample AnyOf(const std::vector<Sample>& all) {
    return all[Below(all.size())];
  }

  const std::vector<Sample> kWords = {
      {"reg", "reg"}, {"&amp;", "&amp;"}, {"\\x41b\\x{63}", "Abc"}};
  const std::vector<Sample> kClasses = {
      {"[ab]", "b"},        {"[^a]", "c"},  {"[a-c]", "c"}, {"[a\\]B]", "]"},
      {"[\"']", "\""},      {"\\d", "1"},   {"\\w", "a"},   {".", "#"},
      {"[[:alpha:]]", "b"}, {"[A-z]", "a"}, {"\\s", " "},   {"[\\x41b-]", "-"},
      {"[^\\d&]", "A"}};
  const std::vector<Sample> kOdd = {
      {"\\b", ""}, {"(?<!ab)", ""},  {"(?<=a|b)", ""},        {"(?-i)", ""},
      {"{", "{"},  {"(a)\\1", "aa"}, {"(b|c)(?(1)a|b)", "ba"}};
  std::mt19937 random_;
  size_t names_ = 0;
};

bool HasMember(const RegexLiteralSet& set, const std::string& text) {
  return std::any_of(set.begin(), set.end(), [&](const std::string& one) {
    return text.find(one) != std::string::npos;
  });
}

TEST(RegexLiteralTest, AreInWhateverMatches) {
  constexpr uint32_t kSeed = 7;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  SampleMaker maker(kSeed);
  size_t told = 0;
  size_t chosen = 0;
  for (int i = 0; i < 4'000; ++i) {
    const Sample sample = maker.Row(2);
    uint32_t options = 0;
    if (maker.Below(2) == 0) options |= kRegexCaseless;
    const auto sets = LiteralSetsOfRegex(sample.expression, options);
    ASSERT_LE(sets.size(), kRegexLiteralsMax);
    std::string subject = "ab " + sample.match.substr(0, 60) + " r";
    const std::string whole = "(?:" + sample.expression + ")";
    const MatchCount begin = CountOf(Untold(whole), options, subject);
    if (begin.count == 0 || sets.empty()) continue;
    ++told;
    if (sets.front().size() > 1) ++chosen;
    const MatchCount end = CountOf(Untold(whole) + "\\K", options, subject);
    ASSERT_EQ(end.count, 1U) << sample.expression;
    std::string match =
        subject.substr(begin.last_begin, end.last_begin - begin.last_begin);
    if (options != 0) {
      std::transform(match.begin(), match.end(), match.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
      });
    }
    for (const RegexLiteralSet& set : sets) {
      ASSERT_LE(set.size(), kRegexLiteralMembersMax);
      for (const std::string& one : set) {
        ASSERT_GE(one.size(), kRegexLiteralBytesMin);
        ASSERT_LE(one.size(), kRegexLiteralBytesMax);
      }
      ASSERT_TRUE(HasMember(set, match)) << sample.expression << " matches "
                                         << match << ", not " << Shown(sets);
    }
  }
  // Else it would say little.
  EXPECT_GT(told, 1000U);
  EXPECT_GT(chosen, 400U);
}

TEST(RegexLiteralTest, OfAVeryLongExpressionNothingIsTold) {
  EXPECT_FALSE(LiteralSetsOfRegex(std::string(1000, 'a'), 0).empty());
  EXPECT_TRUE(
      LiteralSetsOfRegex(std::string(kRegexBytesToldMax + 1, 'a'), 0).empty());
}

}  // namespace
}  // namespace gatehouse
