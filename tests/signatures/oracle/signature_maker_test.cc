#include "tests/signatures/oracle/signature_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/signatures/oracle/signature_line.h"
#include "tests/signatures/oracle/slow_matcher.h"

namespace gatehouse::oracle {
namespace {

constexpr uint64_t kSeed = 20;
constexpr int kLines = 200;

// Formats that the oracle reads too.
class MakerTest : public testing::TestWithParam<const char*> {
 protected:
  LineForm form() const { return *LineFormOf(GetParam()); }
  SignatureMaker maker_{kSeed};
};

TEST_P(MakerTest, ValidLinesAreValid) {
  for (int line = 0; line < kLines; ++line) {
    const MadeLine made = maker_.Make(GetParam(), "X");
    const auto parsed = ParseLine(form(), made.text);
    ASSERT_FALSE(IsFailure(parsed))
        << made.text << ": " << std::get<ParseFailure>(parsed).reason;
    EXPECT_EQ(std::get<Signature>(parsed).name, "X");
  }
}

TEST_P(MakerTest, MalformedLinesAreMalformed) {
  for (int line = 0; line < kLines; ++line) {
    const MadeLine made = maker_.MakeMalformed(GetParam(), "X");
    EXPECT_FALSE(made.reason.empty());
    const auto parsed = ParseLine(form(), made.text);
    // Regexes are not compiled here.
    ASSERT_TRUE(IsFailure(parsed) || made.reason == "regex-broken")
        << made.reason << ": " << made.text;
  }
}

TEST_P(MakerTest, LinesForOtherLevelsAreSkipped) {
  for (int line = 0; line < kLines; ++line) {
    const auto made =
        maker_.MakeForOtherLevel(GetParam(), "X", kFunctionalityLevel);
    if (!made) continue;
    const auto parsed = ParseLine(form(), made->text);
    ASSERT_TRUE(IsFailure(parsed)) << made->text;
    EXPECT_EQ(std::get<ParseFailure>(parsed).kind, FailureKind::kSkipped)
        << made->text << ": " << std::get<ParseFailure>(parsed).reason;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MakerTest,
                         testing::Values("hdb", "hsb", "hdu", "hsu", "mdb",
                                         "msb", "imp", "fp", "sfp", "ndb",
                                         "ndu", "db", "ldb", "ldu"));

TEST(SignatureMakerTest, EveryFormatHasLinesAndMalformedOnes) {
  SignatureMaker maker(kSeed);
  for (const std::string& extension : SignatureMaker::Extensions()) {
    const MadeLine made = maker.Make(extension, "Some.Name");
    EXPECT_THAT(made.text, testing::HasSubstr("Some.Name")) << extension;
    EXPECT_THAT(SignatureMaker::MalformedReasons(extension),
                testing::Not(testing::IsEmpty()))
        << extension;
  }
}

TEST(SignatureMakerTest, TheSeedDecidesEverything) {
  SignatureMaker one(kSeed);
  SignatureMaker same(kSeed);
  SignatureMaker other(kSeed + 1);
  const std::string text = one.Make("ldb", "X").text;
  EXPECT_EQ(same.Make("ldb", "X").text, text);
  EXPECT_NE(other.Make("ldb", "X").text, text);
}

TEST(SignatureMakerTest, DiceAreTheSameEverywhere) {
  // The 10,000th value of this generator with its default seed is in the C++
  // standard.
  Dice dice(5489);
  uint64_t value = 0;
  for (int throws = 0; throws < 10'000; ++throws) {
    value = dice.Below(UINT64_MAX);
  }
  EXPECT_EQ(value, 9981545732273789042U);
}

TEST(SignatureMakerTest, AHashLineKnowsItsContent) {
  SignatureMaker maker(kSeed);
  SlowMatcher matcher;
  const MadeLine made = maker.Make("hdb", "X");
  ASSERT_FALSE(matcher.AddLine(LineForm::kHash, made.text));
  Subject subject;
  subject.bytes = made.content.value();
  EXPECT_THAT(matcher.Match(subject).names, testing::ElementsAre("X"));
}

}  // namespace
}  // namespace gatehouse::oracle
