// Every class of malformed lines is refused with a reason, and costs nothing
// but itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "signatures/clamav/signature_text.h"
#include "tests/signatures/oracle/signature_maker.h"

namespace gatehouse {
namespace {

using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr uint64_t kSeed = 1;
constexpr int kLinesOfAFormat = 4000;

// Classes that we take all the same, by format, and why.
bool IsTakenClass(std::string_view reason) {
  static const std::set<std::string_view> kTaken = {
      // ClamAV's limit is that of one of its matchers; ours has none.
      "literal-short",
  };
  return kTaken.contains(reason);
}

// Classes of correct lines that need what we cannot do, which tells first.
bool IsSkippedClass(std::string_view reason) {
  static const std::set<std::string_view> kSkipped = {"icon-of-none"};
  return kSkipped.contains(reason);
}

class MalformedLinesTest : public testing::TestWithParam<std::string> {
 protected:
  LoadReport Load(const std::string& text) {
    LoadReport report;
    const std::string file = "test." + GetParam();
    SignatureTextReader reader(file, *FormatOfFile(file),
                               {.takes_unwanted = true},
                               {signatures_, report, ignored_});
    reader.Feed(text);
    reader.Finish();
    return report;
  }

  Signatures signatures_;
  IgnoreList ignored_;
};

TEST_P(MalformedLinesTest, EachClassIsRefusedWithAReason) {
  oracle::SignatureMaker maker(kSeed);
  std::set<std::string> seen;
  for (int line = 0; line < kLinesOfAFormat; ++line) {
    const oracle::MadeLine made = maker.MakeMalformed(GetParam(), "Name");
    seen.insert(made.reason);
    const LoadReport report = Load(made.text + "\n");
    const LineCounts counts = report.Totals();
    ASSERT_EQ(counts.lines, 1U) << made.text;
    if (IsTakenClass(made.reason) || IsSkippedClass(made.reason)) {
      EXPECT_EQ(counts.malformed, 0U) << made.reason << ": " << made.text;
      continue;
    }
    EXPECT_EQ(counts.malformed, 1U) << made.reason << ": " << made.text;
    for (const LoadProblem& problem : report.problems) {
      EXPECT_EQ(problem.line, 1U);
      EXPECT_THAT(problem.reason, Not(IsEmpty()));
    }
  }
  const auto reasons = oracle::SignatureMaker::MalformedReasons(GetParam());
  EXPECT_EQ(seen, std::set<std::string>(reasons.begin(), reasons.end()));
}

TEST_P(MalformedLinesTest, TheOtherLinesOfTheFileAreLoaded) {
  oracle::SignatureMaker maker(kSeed);
  std::string text;
  uint64_t lines = 0;
  uint64_t loaded = 0;
  uint64_t malformed = 0;
  for (int line = 0; line < kLinesOfAFormat; ++line) {
    const bool is_good = maker.dice().OneIn(2);
    const std::string made = (is_good ? maker.Make(GetParam(), "Name")
                                      : maker.MakeMalformed(GetParam(), "Name"))
                                 .text;
    const LineCounts alone = Load(made).Totals();
    EXPECT_TRUE(!is_good || alone.malformed == 0) << made;
    lines += alone.lines;
    loaded += alone.loaded;
    malformed += alone.malformed;
    text += made + "\n";
  }
  const LoadReport report = Load(text);
  const LineCounts counts = report.Totals();
  EXPECT_EQ(counts.lines, lines);
  EXPECT_EQ(counts.loaded, loaded);
  EXPECT_EQ(counts.malformed, malformed);
  EXPECT_EQ(counts.lines, counts.loaded + counts.skipped() + counts.malformed);
  EXPECT_EQ(report.problems.size() + report.problems_left_out, malformed);
  EXPECT_GT(loaded, lines / 4);
  EXPECT_GT(malformed, lines / 4);
}

TEST_P(MalformedLinesTest, LinesForOtherLevelsAreSkipped) {
  oracle::SignatureMaker maker(kSeed);
  for (int line = 0; line < kLinesOfAFormat / 10; ++line) {
    const auto made =
        maker.MakeForOtherLevel(GetParam(), "Name", kFunctionalityLevel);
    if (!made) continue;  // The format knows no levels.
    const LineCounts counts = Load(made->text).Totals();
    EXPECT_EQ(counts.skipped(), 1U) << made->text;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, MalformedLinesTest,
                         testing::Values("ndb", "ndu", "db", "ldb", "ldu",
                                         "hdb", "hsb", "hdu", "hsu", "mdb",
                                         "msb", "imp", "fp", "sfp", "ign",
                                         "ign2"));

}  // namespace
}  // namespace gatehouse
