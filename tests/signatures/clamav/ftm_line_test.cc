#include "signatures/clamav/ftm_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "signatures/clamav/signature_text.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

struct RefusedCase {
  std::string line;
  const char* reason;
};

class FtmMalformedTest : public testing::TestWithParam<RefusedCase> {};
class FtmUnsupportedTest : public testing::TestWithParam<RefusedCase> {};
class FtmOtherLevelTest : public testing::TestWithParam<std::string> {};

TypeMagic LoadedOf(std::string_view line) {
  const ParsedLine<TypeMagic> parsed = ParseFtmLine(line);
  const auto* magic = std::get_if<TypeMagic>(&parsed);
  EXPECT_NE(magic, nullptr) << line;
  return magic == nullptr ? TypeMagic() : *magic;
}

TEST(FtmLineTest, LoadsBytesAtAnOffset) {
  const TypeMagic magic =
      LoadedOf("0:7:61Bc:A mail:CL_TYPE_ANY:CL_TYPE_MAIL:1:255");
  EXPECT_EQ(magic.name, "A mail");
  EXPECT_EQ(magic.type, FileType::kMail);
  EXPECT_EQ(magic.required, FileType::kAny);
  EXPECT_FALSE(magic.is_searched);
  EXPECT_EQ(magic.offset, (PatternOffset{OffsetBase::kStart, 0, 7, 0}));
  EXPECT_EQ(magic.program, (std::vector<uint8_t>{1, 2, 0, 0x61, 0xbc}));
}

TEST(FtmLineTest, LoadsAPattern) {
  const TypeMagic magic = LoadedOf(
      "1:3,9:6162??6364{2-5}6566:N:CL_TYPE_TEXT_ASCII:CL_TYPE_HTML:51");
  EXPECT_EQ(magic.type, FileType::kHtml);
  EXPECT_EQ(magic.required, FileType::kTextAscii);
  EXPECT_TRUE(magic.is_searched);
  EXPECT_EQ(magic.offset, (PatternOffset{OffsetBase::kStart, 0, 3, 9}));
  EXPECT_EQ(LoadedOf("1:*:6162:N:CL_TYPE_ANY:CL_TYPE_HTML").offset,
            PatternOffset{});
}

TEST(FtmLineTest, AMagicMayEndWhereTheHeadEnds) {
  EXPECT_EQ(LoadedOf("0:1022:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL").offset.delta,
            1022);
}

TEST(FtmLineTest, MoreThanTheLimitAreCounted) {
  const std::string line = "0:0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL\n";
  Signatures signatures;
  LoadReport report;
  IgnoreList ignored;
  SignatureTextReader reader("a.ftm", *FormatOfFile("a.ftm"), {},
                             {signatures, report, ignored});
  for (size_t i = 0; i < kTypeMagicsMax + 3; ++i) reader.Feed(line);
  reader.Finish();
  EXPECT_THAT(signatures.magics, SizeIs(kTypeMagicsMax));
  EXPECT_EQ(report.Totals().loaded, kTypeMagicsMax);
  EXPECT_EQ(report.Totals().unsupported, 3U);
}

TEST_P(FtmMalformedTest, RefusesTheLine) {
  const auto parsed = ParseFtmLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<MalformedLine>(parsed));
  EXPECT_THAT(std::get<MalformedLine>(parsed).reason,
              HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, FtmMalformedTest,
    testing::Values(
        RefusedCase{"", "fields"},
        RefusedCase{"0:0:6162:N:CL_TYPE_ANY", "fields"},
        RefusedCase{"0:0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL:1:2:3", "fields"},
        RefusedCase{"0:0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL:x", "level"},
        RefusedCase{"0:0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL:1:x", "level"},
        RefusedCase{"0:0:6162::CL_TYPE_ANY:CL_TYPE_MAIL", "no name"},
        RefusedCase{"0:0:6162:N:CL_TYPE_NONE:CL_TYPE_MAIL", "unknown file"},
        RefusedCase{"0:0:6162:N:CL_TYPE_ANY:MAIL", "unknown file"},
        RefusedCase{"x:0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL", "not a number"},
        RefusedCase{"2:0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL", "unknown kind"},
        RefusedCase{"0:*:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL", "offset"},
        RefusedCase{"0:0:61??:N:CL_TYPE_ANY:CL_TYPE_MAIL", "hexadecimal"},
        RefusedCase{"0:0:616:N:CL_TYPE_ANY:CL_TYPE_MAIL", "hexadecimal"},
        RefusedCase{"0:0::N:CL_TYPE_ANY:CL_TYPE_MAIL", "no magic"},
        RefusedCase{"1:0:61:N:CL_TYPE_ANY:CL_TYPE_MAIL", ""},
        RefusedCase{"1:EP+0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL", "executable"},
        RefusedCase{"1:x:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL", "offset"},
        RefusedCase{"4:*:6162:N:CL_TYPE_PART_ANY:CL_TYPE_PART_HFSPLUS",
                    "offset"}));

TEST_P(FtmUnsupportedTest, SaysWhatIsNotSupported) {
  const auto parsed = ParseFtmLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<SkippedLine>(parsed));
  EXPECT_EQ(std::get<SkippedLine>(parsed).kind, SkipKind::kUnsupported);
  EXPECT_THAT(std::get<SkippedLine>(parsed).reason,
              HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, FtmUnsupportedTest,
    testing::Values(
        RefusedCase{"0:0:6162:N:CL_TYPE_ANY:CL_TYPE_ZIP", "CL_TYPE_ZIP"},
        RefusedCase{"1:*:6162:N:CL_TYPE_ANY:CL_TYPE_ZIPSFX", "CL_TYPE_ZIPSFX"},
        RefusedCase{"4:0:6162:N:CL_TYPE_PART_ANY:CL_TYPE_PART_HFSPLUS",
                    "partitions"},
        RefusedCase{"0:1023:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL", "beyond"},
        RefusedCase{"1:1023:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL", "beyond"},
        RefusedCase{"1:*:6162{2000}6364:N:CL_TYPE_ANY:CL_TYPE_MAIL", "beyond"},
        RefusedCase{"1:EOF-9:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL", "start"}));

TEST_P(FtmOtherLevelTest, SkipsTheLine) {
  const auto parsed = ParseFtmLine(GetParam());
  ASSERT_TRUE(std::holds_alternative<SkippedLine>(parsed));
  EXPECT_EQ(std::get<SkippedLine>(parsed).kind, SkipKind::kLevel);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, FtmOtherLevelTest,
    testing::Values("0:0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL:214",
                    "0:0:6162:N:CL_TYPE_ANY:CL_TYPE_MAIL:1:212",
                    "0:0:6162:N:CL_TYPE_ANY:CL_TYPE_OF_LATER:214:255"));

}  // namespace
}  // namespace gatehouse
