#include "tests/signatures/oracle/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gatehouse::oracle {
namespace {

// A pattern with its flags, the bytes to search, and the places that count.
struct PatternCase {
  std::string text;
  std::string bytes;
  std::set<uint64_t> counted;
};

std::set<uint64_t> CountedIn(const std::string& text,
                             const std::string& bytes) {
  PatternFlags flags;
  const size_t colons = text.find("::");
  const std::string letters = colons == text.npos ? "" : text.substr(colons);
  flags.any_case = letters.find('i') != letters.npos;
  flags.full_word = letters.find('f') != letters.npos;
  flags.wide = letters.find('w') != letters.npos;
  flags.ascii = letters.find('a') != letters.npos;
  const auto parsed = ParsePattern(text.substr(0, colons), flags);
  if (IsFailure(parsed)) {
    ADD_FAILURE() << text << ": " << std::get<ParseFailure>(parsed).reason;
    return {};
  }
  Work work(1'000'000);
  std::set<uint64_t> counted;
  for (const Pattern& pattern : std::get<std::vector<Pattern>>(parsed)) {
    counted.merge(FindPattern(pattern, bytes, StartWindow(), work).counted);
  }
  EXPECT_FALSE(work.exhausted());
  return counted;
}

class PatternFoundTest : public testing::TestWithParam<PatternCase> {};
class PatternRefusedTest : public testing::TestWithParam<const char*> {};

TEST_P(PatternFoundTest, IsCountedAtThesePlaces) {
  EXPECT_EQ(CountedIn(GetParam().text, GetParam().bytes), GetParam().counted)
      << GetParam().text << " in " << GetParam().bytes;
}

TEST_P(PatternRefusedTest, IsNoPattern) {
  EXPECT_TRUE(IsFailure(ParsePattern(GetParam(), PatternFlags())))
      << GetParam();
}

// Makes a string of a literal that has zero bytes in it.
template <size_t size>
std::string Bytes(const char (&text)[size]) {
  return std::string(text, size - 1);
}

// Starts of patterns of one part.
const PatternCase kOnePart[] = {
    {"4142", "xABAB", {1, 3}},
    {"4142", "xA", {}},
    {"4142", "", {}},
    {"41414141", "AAAAAAAA", {0, 1, 2, 3, 4}},
    {"4142??44", "ABxD ABD", {0}},
    {"4142??", "AB", {}},
    {"41424?", "ABO ABP", {0}},
    {"4142?3", "ABC ABc ABs ABd", {0, 4, 8}},
    {"4a4B", "JK", {0}},
    {"4142(43|4445)46", "ABCF ABDEF ABDF", {0, 5}},
    {"4142(43|(44|4546)47)48", "ABCH ABDGH ABEFGH ABEH", {0, 5, 11}},
    {"4142(4?|??44)", "ABA ABxD ABxE", {0, 4}},
    {"4142(43|)44", "ABCD ABD ABxD", {0, 5}},
    {"4141(42|4243)", "AABC", {0}},
    {"4142!(43|44)45", "ABCE ABxE ABE", {5}},
    {"4142!(4344|4546)", "ABCD ABxx ABx", {5}},
    {"4142{2}4344", "AB..CD AB.CD", {0}},
    {"{3}4142", "AB...AB", {2}},
    {"4142{2}", "AB..AB.", {0}},
    {"4142{1}43{1}4445", "AB.C.DE", {0}},
};

// Boundaries: without width at the ends of a part, one byte inside of it.
const PatternCase kBoundaries[] = {
    {"(B)4142", "AB xAB -AB \nAB", {0, 8}},
    {"!(B)4142", "AB xAB -AB =AB", {3}},
    {"4142(B)", "AB. AB= AB", {4, 8}},
    {"4142!(B)", "AB. AB= AB", {0}},
    {"(L)4142", "AB\nAB\rAB", {0, 3}},
    {"!(L)4142", "AB\nAB\rAB", {5}},
    {"4142(L)", "AB\r\nAB\rAB\nAB", {0, 7, 10}},
    {"4142!(L)", "AB\r\nAB\rAB\nAB", {4}},
    {"(W)4142", "AB zAB 9AB .AB", {0, 12}},
    {"!(W)4142", "AB zAB 9AB .AB", {3, 7}},
    {"4142(W)", "ABz AB9 AB. AB", {8, 12}},
    {"4142(B)4344", "AB CD AB@CD ABCD ABxCD AB  CD", {0, 6}},
    {"4142!(B)4344", "AB CD ABxCD", {6}},
    {"4142(L)4344", "AB\nCD AB\r\nCD", {0}},
    {"4142(W)4344", "AB.CD ABxCD", {0}},
    {"4142!(W)4344", "AB.CD ABxCD", {6}},
    {"(B)(B)4142", "- -AB x -AB", {2, 8}},
};

// Ends of patterns with gaps that split them.
const PatternCase kManyParts[] = {
    {"4142*4344", "AB AB CD AB CD CD", {8, 14, 17}},
    {"4142*4344", "CDAB", {}},
    {"41424142*4142", "ABABAB", {6}},
    {"4142{1-3}4344", "ABCD AB.CD ABABAB.CD.CD", {10, 20}},
    {"4142{-3}4344", "AB....CD AB...CD ABCD", {16, 21}},
    {"4142{3-}4344", "AB..CD AB...CD", {6 + 8}},
    {"4142{0}4344", "ABCD AB.......CD", {4, 16}},
    {"4142{0-0}4344", "ABCD AB.......CD", {4, 16}},
    {"4142{1-2}4344{2}4546", "AB.CD..EF...EF", {9}},
    {"4142{1-2}4344*4546", "AB.CD..EF...EF", {9, 14}},
    {"4142(B)*4344", "AB CD", {5}},
    {"4142(B)*4344", "ABxCD", {}},
};

const PatternCase kBrackets[] = {
    {"41[1-2]424344", "A.BCD A..BCD ABCD A...BCD", {2, 9}},
    {"424344[1-2]41", "BCD.A BCDA BCD..A BCD...A", {0, 11}},
    {"41[2]424344", "A.BCD A..BCD", {9}},
    {"41[0-1]424344", "ABCD A.BCD", {1, 7}},
    {"41[1-2]424344[1-2]45", "A.BCD.E A.BCDE", {2}},
    {"41[1-2]424344::i", "a.bcd", {2}},
};

const PatternCase kFlags[] = {
    {"41425d::i", "ab] aB} AB]", {0, 8}},
    {"4142(43|4445)::i", "abc abDe", {0, 4}},
    {"41424?::i", "abm abM", {4}},
    {"4142::w", Bytes("A\0B\0 AB"), {0}},
    {"4142::wa", Bytes("A\0B\0 AB"), {0, 5}},
    {"4142::a", Bytes("A\0B\0 AB"), {5}},
    {"4142??44::w", Bytes("A\0B\0x\0D\0 A\0B\0xxD\0"), {0}},
    {"4142(43|4445)::w", Bytes("A\0B\0D\0E\0 A\0B\0DE"), {0}},
    {"4142{2}4344::w", Bytes("A\0B\0..C\0D\0"), {0}},
    {"4142{1-2}4344::w", Bytes("A\0B\0..C\0D\0"), {10}},
    {"41[1-2]424344::w", Bytes("A\0.B\0C\0D\0"), {9}},
    {"41424344::f", "ABCD xABCD ABCDx", {0}},
    {"4142::fw", Bytes(" \0A\0B\0 \0"), {2}},
    {"4142::fw", Bytes("x\0A\0B\0 \0"), {}},
    {"4142::fw", Bytes("x.A\0B\0.x"), {2}},
    {"4142::fi", "ab xab", {0}},
};

INSTANTIATE_TEST_SUITE_P(OnePart, PatternFoundTest,
                         testing::ValuesIn(kOnePart));
INSTANTIATE_TEST_SUITE_P(Boundaries, PatternFoundTest,
                         testing::ValuesIn(kBoundaries));
INSTANTIATE_TEST_SUITE_P(ManyParts, PatternFoundTest,
                         testing::ValuesIn(kManyParts));
INSTANTIATE_TEST_SUITE_P(Brackets, PatternFoundTest,
                         testing::ValuesIn(kBrackets));
INSTANTIATE_TEST_SUITE_P(Flags, PatternFoundTest, testing::ValuesIn(kFlags));

INSTANTIATE_TEST_SUITE_P(
    All, PatternRefusedTest,
    testing::Values("", "4", "41", "414", "4g", "41 42", "41.42", "41??42",
                    "41*4243", "*4142", "4142*", "4142{1-3}", "{1-3}4142",
                    "4142{x}4344", "4142{3-2}4344", "4142{1-4344", "4142}",
                    "(4142|4344)", "4142(4|43)", "4142(|43)", "4142()",
                    "4142(43", "4142)", "4142|4344", "4142(43*44)",
                    "4142(43{1-2}44)", "4142(43|(B))", "4142!(43|4445)",
                    "4142!(4?)", "4142!(43|(44|45))", "41[1-33]424344",
                    "41[2-1]424344", "4041[1-2]424344", "4142[1-2]4344",
                    "41[1-2]42", "41[1-2]4243[1-2]44[1-2]45", "(W)"));

TEST(PatternTest, NegatedAlternativesTakeNoFlag) {
  PatternFlags ascii;
  ascii.ascii = true;
  EXPECT_FALSE(IsFailure(ParsePattern("4142!(43|44)", PatternFlags())));
  EXPECT_TRUE(IsFailure(ParsePattern("4142!(43|44)", ascii)));
}

TEST(PatternTest, ABracketIsNoFullWord) {
  PatternFlags flags;
  flags.full_word = true;
  EXPECT_TRUE(IsFailure(ParsePattern("41[1-2]424344", flags)));
  flags.wide = true;
  EXPECT_FALSE(IsFailure(ParsePattern("41[1-2]42434445", flags)));
}

TEST(PatternTest, AlternativesNestFifteenDeep) {
  std::string text = "43";
  for (int depth = 0; depth < 15; ++depth) {
    text.insert(0, "(").append("|44)");
  }
  EXPECT_FALSE(IsFailure(ParsePattern("4142" + text, PatternFlags())));
  EXPECT_TRUE(IsFailure(ParsePattern("4142(" + text + "|45)", PatternFlags())));
}

TEST(PatternTest, AWindowIsForTheStartOfTheFirstPart) {
  const auto parsed = ParsePattern("4142*4344", PatternFlags());
  ASSERT_FALSE(IsFailure(parsed));
  const Pattern& pattern = std::get<std::vector<Pattern>>(parsed).front();
  Work work(1000);
  EXPECT_THAT(FindPattern(pattern, "AB.AB CD", {3, 3}, work).counted,
              testing::ElementsAre(8));
  EXPECT_THAT(FindPattern(pattern, "AB.AB CD", {4, 5}, work).counted,
              testing::IsEmpty());
}

TEST(PatternTest, AnAbsurdSearchEndsAndSaysSo) {
  const auto parsed =
      ParsePattern("4141(41|4141)(41|4141)(41|4141)42", PatternFlags());
  ASSERT_FALSE(IsFailure(parsed));
  Work work(1000);
  FindPattern(std::get<std::vector<Pattern>>(parsed).front(),
              std::string(5000, 'A'), StartWindow(), work);
  EXPECT_TRUE(work.exhausted());
}

}  // namespace
}  // namespace gatehouse::oracle
