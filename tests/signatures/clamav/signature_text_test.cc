#include "signatures/clamav/signature_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

struct Loaded {
  Signatures signatures;
  LoadReport report;

  const LineCounts& counts() const { return report.files.at(0).counts; }
};

Loaded LoadInParts(std::string_view text, size_t part_bytes,
                   SignatureFormat format = SignatureFormat::kNdb) {
  Loaded loaded;
  IgnoreList ignored;
  SignatureTextReader reader("test.ndb", {format, false, ""}, {},
                             {loaded.signatures, loaded.report, ignored});
  for (; text.size() > part_bytes; text.remove_prefix(part_bytes)) {
    reader.Feed(text.substr(0, part_bytes));
  }
  reader.Feed(text);
  reader.Finish();
  return loaded;
}

Loaded Load(std::string_view text) {
  return LoadInParts(text, text.size() + 1);
}

void ExpectInvariant(const LineCounts& counts) {
  EXPECT_EQ(counts.loaded + counts.skipped() + counts.malformed, counts.lines);
}

TEST(SignatureTextTest, KnowsItsExtensionsWhateverTheirCase) {
  EXPECT_EQ(FormatOfFile("a.ndb")->format, SignatureFormat::kNdb);
  EXPECT_EQ(FormatOfFile("A.NdB")->format, SignatureFormat::kNdb);
  EXPECT_EQ(FormatOfFile("a.b.hdb")->format, SignatureFormat::kHash);
  EXPECT_EQ(FormatOfFile("a.HSB")->format, SignatureFormat::kHash);
  EXPECT_EQ(FormatOfFile(".ndb")->format, SignatureFormat::kNdb);
  EXPECT_EQ(FormatOfFile("a.ldb")->format, SignatureFormat::kLdb);
  EXPECT_EQ(FormatOfFile("a.db")->format, SignatureFormat::kDb);
  EXPECT_EQ(FormatOfFile("a.mdb")->format, SignatureFormat::kSectionHash);
  EXPECT_EQ(FormatOfFile("a.imp")->format, SignatureFormat::kImportHash);
  EXPECT_EQ(FormatOfFile("a.sfp")->format, SignatureFormat::kAllowedHash);
  EXPECT_EQ(FormatOfFile("a.ign2")->format, SignatureFormat::kIgnore);
  EXPECT_EQ(FormatOfFile("daily.cvd")->format, SignatureFormat::kContainer);
  EXPECT_TRUE(FormatOfFile("a.ndu")->is_about_unwanted);
  EXPECT_TRUE(FormatOfFile("a.LDU")->is_about_unwanted);
  EXPECT_TRUE(FormatOfFile("a.hsu")->is_about_unwanted);
}

TEST(SignatureTextTest, KnowsNoOtherExtension) {
  EXPECT_FALSE(FormatOfFile("a.txt").has_value());
  EXPECT_FALSE(FormatOfFile("ndb").has_value());
  EXPECT_FALSE(FormatOfFile("a.ndb.bak").has_value());
  EXPECT_FALSE(FormatOfFile("").has_value());
}

TEST(SignatureTextTest, AnEmptyFileHasNoLines) {
  const Loaded loaded = Load("");
  ASSERT_THAT(loaded.report.files, SizeIs(1));
  EXPECT_EQ(loaded.counts().lines, 0U);
}

TEST(SignatureTextTest, CommentsAndEmptyLinesDoNotCount) {
  const Loaded loaded = Load("# c\n\n\r\n#\nA:0:*:aabb\n \n");
  EXPECT_EQ(loaded.counts().lines, 2U);  // A blank is a line, and wrong.
  EXPECT_EQ(loaded.counts().loaded, 1U);
  EXPECT_EQ(loaded.counts().malformed, 1U);
  ExpectInvariant(loaded.counts());
}

TEST(SignatureTextTest, TakesEveryKindOfLineEnd) {
  const Loaded loaded = Load("A:0:*:aabb\r\nB:0:*:aabb\r\r\nC:0:*:aabb");
  EXPECT_EQ(loaded.counts().loaded, 3U);
  EXPECT_EQ(loaded.signatures.bodies.at(1).name, "B");
}

TEST(SignatureTextTest, ReportsFileLineAndReason) {
  const Loaded loaded = Load("# one\nA:0:*:aabb\nB:0:*:xx\nC:1:*:aabb:214\n");
  ASSERT_THAT(loaded.report.problems, SizeIs(1));
  EXPECT_EQ(loaded.report.problems[0].file, "test.ndb");
  EXPECT_EQ(loaded.report.problems[0].line, 3U);
  EXPECT_THAT(loaded.report.problems[0].reason, HasSubstr("hexadecimal"));
  EXPECT_EQ(loaded.counts().level, 1U);
  ExpectInvariant(loaded.counts());
}

TEST(SignatureTextTest, ALineOfTheGreatestLengthIsReadAndALongerOneRefused) {
  const std::string tail = ":0:*:aabb";
  const std::string longest(kLineBytesMax - tail.size(), 'n');
  const Loaded loaded =
      Load(longest + tail + "\r\n" + "n" + longest + tail + "\nB:0:*:aabb\n");
  EXPECT_EQ(loaded.counts().lines, 3U);
  EXPECT_EQ(loaded.counts().loaded, 2U);
  ASSERT_THAT(loaded.report.problems, SizeIs(1));
  EXPECT_EQ(loaded.report.problems[0].line, 2U);
  EXPECT_THAT(loaded.report.problems[0].reason, HasSubstr("longer than 32767"));
}

TEST(SignatureTextTest, AVeryLongLineIsOneMalformedLine) {
  const Loaded loaded =
      LoadInParts(std::string(1 << 20, 'x') + "\nA:0:*:aabb", 1000);
  EXPECT_EQ(loaded.counts().lines, 2U);
  EXPECT_EQ(loaded.counts().malformed, 1U);
  EXPECT_EQ(loaded.counts().loaded, 1U);
}

TEST(SignatureTextTest, AVeryLongCommentIsAComment) {
  const Loaded loaded = Load("#" + std::string(100000, 'x') + "\nA:0:*:aabb\n");
  EXPECT_EQ(loaded.counts().lines, 1U);
  EXPECT_EQ(loaded.counts().loaded, 1U);
}

TEST(SignatureTextTest, AnOverLongRunOfCarriageReturnsHidesNothing) {
  const Loaded loaded = Load(std::string(40000, '\r') + "A:0:*:aabb\n");
  EXPECT_EQ(loaded.counts().lines, 1U);
  EXPECT_EQ(loaded.counts().malformed, 1U);
}

TEST(SignatureTextTest, ANulByteMakesALineMalformed) {
  // for the NUL.
  const Loaded loaded =
      Load(std::string_view("A\0B:0:*:aabb\nC:0:*:aabb\n", 24));
  EXPECT_EQ(loaded.counts().malformed, 1U);
  EXPECT_EQ(loaded.counts().loaded, 1U);
}

TEST(SignatureTextTest, DuplicatesAreLoadedTwice) {
  const Loaded loaded = Load("A:0:*:aabb\nA:0:*:aabb\n");
  EXPECT_THAT(loaded.signatures.bodies, SizeIs(2));
}

TEST(SignatureTextTest, ProblemsBeyondTheLimitAreOnlyCounted) {
  std::string text;
  for (size_t i = 0; i < kLoadProblemsMax + 5; ++i) text += "bad\n";
  const Loaded loaded = Load(text);
  EXPECT_THAT(loaded.report.problems, SizeIs(kLoadProblemsMax));
  EXPECT_EQ(loaded.report.problems_left_out, 5U);
  EXPECT_EQ(loaded.counts().malformed, kLoadProblemsMax + 5);
}

TEST(SignatureTextTest, TheResultDoesNotDependOnWhereThePartsEnd) {
  const std::string text =
      "# c\nA:0:*:aabb\r\n\nB:0:7:xx\nC:1:*:aabb:300\r\nD:0:9:0011";
  for (size_t part_bytes = 1; part_bytes <= text.size(); ++part_bytes) {
    const Loaded loaded = LoadInParts(text, part_bytes);
    EXPECT_EQ(loaded.counts().lines, 4U) << part_bytes;
    EXPECT_EQ(loaded.counts().loaded, 2U) << part_bytes;
    EXPECT_EQ(loaded.counts().level, 1U) << part_bytes;
    EXPECT_EQ(loaded.report.problems.at(0).line, 4U) << part_bytes;
  }
}

TEST(SignatureTextTest, TheCountsAddUpForRandomText) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string_view alphabet = "\n\n:::*0aF\r#x,{";
  std::uniform_int_distribution<size_t> pick(0, alphabet.size() - 1);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int i = 0; i < 500; ++i) text += alphabet[pick(random)];
    ExpectInvariant(Load(text).counts());
    ExpectInvariant(LoadInParts(text, 7, SignatureFormat::kHash).counts());
  }
}

}  // namespace
}  // namespace gatehouse
