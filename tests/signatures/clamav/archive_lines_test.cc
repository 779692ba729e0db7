// .cdb and .pwdb lines: checked, and then counted as what needs archives to be
// opened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "signatures/clamav/cdb_line.h"
#include "signatures/clamav/pwdb_line.h"
#include "signatures/clamav/signature_text.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct RefusedCase {
  std::string line;
  const char* reason;
};

class CdbMalformedTest : public testing::TestWithParam<RefusedCase> {};
class PwdbMalformedTest : public testing::TestWithParam<RefusedCase> {};

FileReport LoadFile(const std::string& file, std::string_view text) {
  Signatures signatures;
  LoadReport report;
  IgnoreList ignored;
  SignatureTextReader reader(file, *FormatOfFile(file), {},
                             {signatures, report, ignored});
  reader.Feed(text);
  reader.Finish();
  EXPECT_TRUE(signatures.empty());
  return report.files.at(0);
}

TEST(CdbLineTest, ReadsEveryField) {
  const auto parsed = ParseCdbLine(
      "Name:CL_TYPE_ZIP:10-20:^a+[.]exe$:30:40-40:1:2:ff00:*:51:255");
  ASSERT_TRUE(std::holds_alternative<ArchiveEntry>(parsed));
  const auto& entry = std::get<ArchiveEntry>(parsed);
  EXPECT_EQ(entry.name, "Name");
  EXPECT_EQ(entry.container, FileType::kZip);
  EXPECT_EQ(entry.container_size, (NumberRange{10, 20}));
  EXPECT_EQ(entry.file_name, "^a+[.]exe$");
  EXPECT_EQ(entry.packed_size, (NumberRange{30, 30}));
  EXPECT_EQ(entry.real_size, (NumberRange{40, 40}));
  EXPECT_EQ(entry.is_encrypted, true);
  EXPECT_EQ(entry.position, (NumberRange{2, 2}));
  EXPECT_EQ(entry.checksum, "ff00");
}

TEST(CdbLineTest, AStarIsAnything) {
  const auto parsed = ParseCdbLine("Name:*:*:*:*:*:*:*:*:*");
  ASSERT_TRUE(std::holds_alternative<ArchiveEntry>(parsed));
  const auto& entry = std::get<ArchiveEntry>(parsed);
  EXPECT_EQ(entry.container, FileType::kAny);
  EXPECT_TRUE(entry.container_size.is_everything());
  EXPECT_TRUE(entry.file_name.empty());
  EXPECT_FALSE(entry.is_encrypted.has_value());
  EXPECT_TRUE(entry.checksum.empty());
}

TEST(CdbLineTest, LinesForOtherLevelsAreSkipped) {
  for (const char* const levels : {"214", "1:212"}) {
    const auto parsed =
        ParseCdbLine(std::string("Name:*:*:*:*:*:*:*:*:*:") + levels);
    ASSERT_TRUE(std::holds_alternative<SkippedLine>(parsed));
    EXPECT_EQ(std::get<SkippedLine>(parsed).kind, SkipKind::kLevel);
  }
}

TEST_P(CdbMalformedTest, RefusesTheLine) {
  const auto parsed = ParseCdbLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<MalformedLine>(parsed));
  EXPECT_THAT(std::get<MalformedLine>(parsed).reason,
              HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, CdbMalformedTest,
    testing::Values(RefusedCase{"", "fields"},
                    RefusedCase{"N:*:*:*:*:*:*:*:*", "fields"},
                    RefusedCase{"N:*:*:*:*:*:*:*:*:*:1:2:3", "fields"},
                    RefusedCase{"N:*:*:*:*:*:*:*:*:*:x", "level"},
                    RefusedCase{":*:*:*:*:*:*:*:*:*", "no name"},
                    RefusedCase{"N:CL_TYPE_NONE:*:*:*:*:*:*:*:*", "container"},
                    RefusedCase{"N:*:x:*:*:*:*:*:*:*", "container"},
                    RefusedCase{"N:*:5-:*:*:*:*:*:*:*", "container"},
                    RefusedCase{"N:*:-5:*:*:*:*:*:*:*", "container"},
                    RefusedCase{"N:*:5-4:*:*:*:*:*:*:*", "container"},
                    RefusedCase{"N:*:*:a(:*:*:*:*:*:*", "file name"},
                    RefusedCase{"N:*:*::*:*:*:*:*:*", "no file name"},
                    RefusedCase{"N:*:*:*:x:*:*:*:*:*", "size in"},
                    RefusedCase{"N:*:*:*:*:x:*:*:*:*", "real size"},
                    RefusedCase{"N:*:*:*:*:*:2:*:*:*", "IsEncrypted"},
                    RefusedCase{"N:*:*:*:*:*:*:x:*:*", "position"}));

TEST(PwdbLineTest, ReadsText) {
  const auto parsed =
      ParsePwdbLine("Name;Engine:81-255,Container:CL_TYPE_ZIP;0;a;b");
  ASSERT_TRUE(std::holds_alternative<ArchivePassword>(parsed));
  const auto& password = std::get<ArchivePassword>(parsed);
  EXPECT_EQ(password.name, "Name");
  EXPECT_EQ(password.container, "CL_TYPE_ZIP");
  EXPECT_EQ(password.password, (std::vector<uint8_t>{'a', ';', 'b'}));
}

TEST(PwdbLineTest, ReadsHexadecimal) {
  const auto parsed = ParsePwdbLine("Name;Engine:81-255,Target:0;1;00fF");
  ASSERT_TRUE(std::holds_alternative<ArchivePassword>(parsed));
  const auto& password = std::get<ArchivePassword>(parsed);
  EXPECT_TRUE(password.container.empty());
  EXPECT_EQ(password.password, (std::vector<uint8_t>{0x00, 0xff}));
}

TEST(PwdbLineTest, LinesForOtherLevelsAreSkipped) {
  for (const char* const levels : {"214-255", "51-212"}) {
    const auto parsed =
        ParsePwdbLine(std::string("Name;Engine:") + levels + ";0;a");
    ASSERT_TRUE(std::holds_alternative<SkippedLine>(parsed));
    EXPECT_EQ(std::get<SkippedLine>(parsed).kind, SkipKind::kLevel);
  }
}

TEST_P(PwdbMalformedTest, RefusesTheLine) {
  const auto parsed = ParsePwdbLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<MalformedLine>(parsed));
  EXPECT_THAT(std::get<MalformedLine>(parsed).reason,
              HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, PwdbMalformedTest,
    testing::Values(RefusedCase{"", "fields"},
                    RefusedCase{"N;Engine:81-255;0", "fields"},
                    RefusedCase{";Engine:81-255;0;a", "no name"},
                    RefusedCase{"N;;0;a", "description"},
                    RefusedCase{"N;Engine;0;a", "description"},
                    RefusedCase{"N;Engine:81;0;a", "Engine"},
                    RefusedCase{"N;Engine:x-255;0;a", "Engine"},
                    RefusedCase{"N;Engine:214-255,Container:CL_TYPE_PDF;0;a",
                                "container"},
                    RefusedCase{"N;Engine:81-255,Target:x;0;a", "target"},
                    RefusedCase{"N;Engine:81-255;2;a", "kind"},
                    RefusedCase{"N;Engine:81-255;1;616", "hexadecimal"},
                    RefusedCase{"N;Engine:81-255;1;xy", "hexadecimal"},
                    RefusedCase{"N;Engine:81-255;0;", "no password"}));

// A line that is well formed, by chance with every feature.
std::string MadeLine(std::mt19937& random, bool is_cdb) {
  const auto one_of = [&](std::initializer_list<const char*> choices) {
    std::uniform_int_distribution<size_t> pick(0, choices.size() - 1);
    return std::string(*(choices.begin() + pick(random)));
  };
  if (!is_cdb) {
    return "N;" + one_of({"Engine:81-255", "Engine:1-255,Target:0"}) + ";" +
           one_of({"0;secret", "1;616263"});
  }
  const auto size = [&] { return one_of({":*", ":0", ":17", ":3-900"}); };
  return "N:" + one_of({"*", "CL_TYPE_ZIP", "CL_TYPE_RAR"}) + size() +
         one_of({":*", ":[.]scr$", ":(a|b)+"}) + size() + size() +
         one_of({":*", ":0", ":1"}) + size() + one_of({":*", ":0a1b"}) + ":*" +
         one_of({"", ":51", ":51:255"});
}

TEST(ArchiveLinesTest, CorrectLinesAreCountedAndKeptNowhere) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const bool is_cdb : {true, false}) {
    std::string text;
    for (int i = 0; i < 500; ++i) text += MadeLine(random, is_cdb) + "\n";
    const FileReport file = LoadFile(is_cdb ? "a.cdb" : "a.pwdb", text);
    EXPECT_EQ(file.counts.lines, 500U);
    EXPECT_EQ(file.counts.unsupported, 500U);
    ASSERT_EQ(file.unsupported.size(), 1U);
    EXPECT_THAT(file.unsupported.begin()->first,
                StartsWith("needs archives to be opened"));
  }
}

TEST(ArchiveLinesTest, MalformedLinesCostOnlyThemselves) {
  const FileReport file =
      LoadFile("a.cdb", "N:*:*:*:*:*:*:*:*:*\nN:*\nN:*:*:*:*:*:*:*:*:*:214\n");
  EXPECT_EQ(file.counts.unsupported, 1U);
  EXPECT_EQ(file.counts.malformed, 1U);
  EXPECT_EQ(file.counts.level, 1U);
}

}  // namespace
}  // namespace gatehouse
