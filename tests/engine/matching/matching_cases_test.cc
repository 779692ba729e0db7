// Cases in which production and the oracle, or one of them and clamscan, once
// disagreed. What is expected here is what clamscan says.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/engine/matching/agreement.h"

namespace gatehouse {
namespace {

using std::string_literals::operator""s;

struct KnownCase {
  std::string about;
  std::vector<MatchingLine> lines;
  std::string content;
  uint64_t matches = 0;
};

void PrintTo(const KnownCase& one, std::ostream* out) { *out << one.about; }

class MatchingCasesTest : public testing::TestWithParam<KnownCase> {};

TEST_P(MatchingCasesTest, IsDecidedAsClamscanDoes) {
  const KnownCase& one = GetParam();
  Agreement agreement(1'000'000);
  for (const MatchingLine& line : one.lines) {
    EXPECT_EQ(agreement.AddLine(line), std::nullopt) << line.text;
  }
  ASSERT_EQ(agreement.Compile(), std::nullopt);
  oracle::Subject subject;
  subject.bytes = one.content;
  EXPECT_EQ(agreement.Compare(subject, 3), std::nullopt);
  EXPECT_EQ(agreement.counts().matches, one.matches);
}

KnownCase Db(std::string about, const std::string& hex, std::string content,
             uint64_t matches) {
  return {std::move(about), {{"db", "X=" + hex}}, std::move(content), matches};
}
KnownCase Ldb(std::string about, const std::string& rest, std::string content,
              uint64_t matches) {
  return {std::move(about),
          {{"ldb", "X;Engine:81-255,Target:0;" + rest}},
          std::move(content),
          matches};
}
// A number behind five Z.
KnownCase Number(const std::string& options, const std::string& field,
                 const std::string& condition, bool holds) {
  return Ldb("number " + options + " " + field + " " + condition,
             "0&1;5a5a5a5a5a;0(>>5#" + options + "#" + condition + ")",
             "\x7f..ZZZZZ" + field + "qqqq", holds ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, MatchingCasesTest,
    testing::Values(
        Db("a range is a gap", "4242!(W){3-3}61412042", "BBaxxaA B\0"s, 1),
        Db("a range is no part", "4242!(W){3-3}61412042", "BBaxxxaA B\0"s, 0),
        Db("exact is of its part", "4242!(W){3}61412042", "BBaxxxaA B\0"s, 1),
        Db("a boundary at a gap", "4242(B){-1}42204142", "BB B AB\0"s, 1),
        Db("a boundary inside", "424242!(L)(B){3-3}42204142", "BBB\0 xxB AB\0"s,
           1)));

INSTANTIATE_TEST_SUITE_P(
    Logic, MatchingCasesTest,
    testing::Values(Ldb("a side without matches counts on",
                        "(0<1|1)=0&2;616161;42;202020", ".", 0),
                    Ldb("a member in a held group",
                        "(0<1|1)=0&2;616161;424242;202020", "BBB.   ", 0),
                    Ldb("no member in a held group",
                        "(0<1|1)=0&2;616161;424242;202020", "BB.   ", 1),
                    Ldb("matches however they are spelled",
                        "0>2;766265(36|37)2e646c6c",
                        "vbe6.dll vbe7.dll vbe6.dll", 1),
                    Ldb("all matches however they are spelled",
                        "0=2;766265(36|37)2e646c6c{-1}4141",
                        "vbe7.dllAA vbe6.dllAA vbe6.dll", 1),
                    Ldb("a comma without a number", "0&(0|1)=2,;616161;424242",
                        "aaa.BBB.", 1),
                    Ldb("a failed group has no members",
                        "(0&1)<2,1&2;616161;4242;2020", "aaa.  ", 0),
                    Ldb("members of a group", "(0|1)<3,2&2;616161;4242;2020",
                        "aaaBB  ", 1)));

INSTANTIATE_TEST_SUITE_P(
    Compares, MatchingCasesTest,
    testing::Values(
        Ldb("from the last part", "0&1;414141{-3}424242;0(>>3#ib1#=113)",
            ".AAA.BBBq", 1),
        Ldb("from another compare, at 0",
            "0&1&2;4141;0(>>2#ib1#=66);1(>>3#ib1#=66)", ".AAB..", 1),
        Number("hb7", " aa b a", "=170", true),
        Number("hbe3", " aa", "=170", false), Number("hb2", "0x", "=0", true),
        Number("hb2", "+5", "=5", true), Number("hb2", "-5", "<0", true),
        Number("hb4", "-0x5", "=0", true), Number("ab2", "10", "<99", false),
        Number("ab3", "010", "=10", true), Number("ab4", "0x1a", "=26", true),
        Number("al3", "012", "<99", false),
        Number("al6", "0x4142", "=16961", true),
        Number("hl3", "414", "=5124", true), Number("hl4", "41 4", "=65", true),
        Number("hl4", "qq41", "=0", true),
        Number("hl5", "4142q", "=5124", true),
        Number("hle3", "414", "=5124", false),
        Number("hle4", "41q2", "=65", true),
        Number("hle4", "0x41", "=65", false), Number("hle1", "4", "=4", true),
        Number("hb16", "ffffffffffffffff", "<1", false),
        Number("hl16", "ffffffffffffffff", "<1", false),
        Number("db18", "999999999999999999", ">1", true)));

INSTANTIATE_TEST_SUITE_P(
    Macros, MatchingCasesTest,
    testing::Values(
        KnownCase{"of parts",
                  {{"ndb", "M:0:$0$:424242*434343"},
                   {"ldb", "X;Engine:81-255,Target:0;0&1;414141;${5-11}0$"}},
                  "AAA..BBB.CCC",
                  1},
        KnownCase{"too far",
                  {{"ndb", "M:0:$0$:434343"},
                   {"ldb", "X;Engine:81-255,Target:0;0&1;414141;${5-8}0$"}},
                  "AAA..BBB.CCC",
                  0}));

// A star is a target in .ndb files only.
INSTANTIATE_TEST_SUITE_P(Targets, MatchingCasesTest,
                         testing::Values(KnownCase{
                             "no star in a description",
                             {{"ldb", "X;Engine:81-255,Target:*;0;414141"},
                              {"ndb", "Y:*:*:414141"}},
                             "AAA",
                             1}));

}  // namespace
}  // namespace gatehouse
