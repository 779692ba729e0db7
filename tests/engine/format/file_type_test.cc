#include "engine/format/file_type.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "engine/format/executable_facts.h"
#include "tests/engine/format/executable_maker.h"

namespace gatehouse {

// Every expectation here is what clamscan 1.4.6 was seen to do, unless it says
// otherwise.

namespace {

using std::string_literals::operator""s;

FileType TypeOf(std::string_view content) {
  return DetectFileType(AsBytes(content), content.size());
}

std::string Text(size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "lorem ipsum dolor sit amet\n";
  text.resize(bytes);
  return text;
}

// Not text in any encoding.
std::string Binary(size_t bytes) {
  std::string content;
  while (content.size() < bytes) content += "\0\x01\xff\xfe"s;
  content.resize(bytes);
  return content;
}

struct StartCase {
  const char* name;
  std::string start;
  FileType type;
};

class FileTypeStartTest : public testing::TestWithParam<StartCase> {};

TEST_P(FileTypeStartTest, TellsTheTypeByTheStart) {
  EXPECT_EQ(TypeOf(GetParam().start + Binary(600)), GetParam().type);
}

INSTANTIATE_TEST_SUITE_P(
    Magic, FileTypeStartTest,
    testing::Values(
        StartCase{"Exe", "MZ", FileType::kMsExe},
        StartCase{"Elf", "\x7f\x45LF", FileType::kElf},
        StartCase{"MachO", "\xcf\xfa\xed\xfe", FileType::kMachO},
        StartCase{"Universal", "\xca\xfe\xba\xbe\0\0\0\x02"s,
                  FileType::kMachOUniversal},
        StartCase{"Java", "\xca\xfe\xba\xbe\0\0\0\x34"s, FileType::kJava},
        StartCase{"Zip", "PK\x03\x04", FileType::kZip},
        StartCase{"Gzip", "\x1f\x8b\x08", FileType::kGzip},
        StartCase{"Ole2", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileType::kOle2},
        StartCase{"Pdf", "%PDF-1.4", FileType::kPdf},
        StartCase{"Rtf", "{\\rtf1", FileType::kRtf},
        StartCase{"Flash", "CWS\x09", FileType::kSwf},
        StartCase{"Gif", "GIF89a", FileType::kGif},
        StartCase{"Png", "\x89PNG\r\n", FileType::kPng},
        StartCase{"Jpeg", "\xff\xd8\xff\xe0", FileType::kJpeg},
        StartCase{"Bmp", "BM", FileType::kGraphics},
        StartCase{"Python", "\xa7\x0d\r\n"s, FileType::kPythonCompiled},
        StartCase{"Lha", " \x01-lh5-", FileType::kLhaLzh},
        StartCase{"Mail", "Received: from x\n", FileType::kMail},
        StartCase{"Ogg", "OggS", FileType::kIgnored},
        StartCase{"Ace", "**ACE**\x14", FileType::kBinary}),
    [](const auto& value) { return std::string(value.param.name); });

TEST(FileTypeTest, IsTextUnlessAControlCharacterStandsInTheFirstKib) {
  for (const char* const allowed : {"\x1b", "\x07", "\x80", "\xff", "\f"}) {
    EXPECT_EQ(TypeOf(Text(100) + allowed + Text(100)), FileType::kTextAscii);
  }
  EXPECT_NE(TypeOf(Text(1023) + "\x01" + Text(100)), FileType::kTextAscii);
  EXPECT_EQ(TypeOf(Text(1024) + "\x01" + Text(100)), FileType::kTextAscii);
}

TEST(FileTypeTest, IsBinaryWhenAUnitOfUtf16WouldBeAControlCharacter) {
  const std::string units = Text(100) + "\x01";
  EXPECT_EQ(TypeOf(units), FileType::kTextUtf16Be);
  EXPECT_EQ(TypeOf(units + "x\0\x01"s + Text(10)), FileType::kBinary);
  EXPECT_EQ(TypeOf("\xff\xfe" + std::string("a\1b\1\0\1", 6)),
            FileType::kTextUtf16Le);
}

TEST(FileTypeTest, IsHtmlWhereverATagStandsInAText) {
  for (const char* const tag :
       {"<html>", "<HEAD>", "<iframe src", "<img ", "<object", "<Script>",
        "<table border", "<a class=x href=", "<A x\nHREF=", "<a hh hHreF"}) {
    EXPECT_EQ(TypeOf(Text(50) + tag + Text(50)), FileType::kHtml) << tag;
    EXPECT_EQ(TypeOf(Text(5000) + tag + Text(50)), FileType::kHtml) << tag;
    EXPECT_TRUE(HasHtmlTag(AsBytes(tag))) << tag;
  }
  for (const char* const tag : {"<html lang", "<body>", "<p>", "<div>",
                                "<a name=", "<area href=", "<a hrehre f",
                                "href <a ", "<a\nhref=", "<hea", "<im"}) {
    EXPECT_EQ(TypeOf(Text(50) + tag + "\n"), FileType::kTextAscii) << tag;
  }
}

// clamscan takes this for a text, and a browser for a page.
TEST(FileTypeTest, IsHtmlInAnyMixtureOfCase) {
  EXPECT_EQ(TypeOf("x <sCrIpT>"), FileType::kHtml);
}

TEST(FileTypeTest, IsHtmlInBinaryBytesWithinTheFirstKibOnly) {
  EXPECT_EQ(TypeOf(Binary(1018) + "<html>" + Binary(9)), FileType::kHtml);
  EXPECT_EQ(TypeOf(Binary(1020) + "<html>" + Binary(9)), FileType::kBinary);
}

TEST(FileTypeTest, SeesHtmlInUtf16) {
  EXPECT_EQ(TypeOf("\xff\xfe" + "x\0<\0h\0t\0m\0l\0>\0"s),
            FileType::kHtmlUtf16);
  EXPECT_EQ(TypeOf("\xfe\xff" + "\0x\0<\0h\0t\0m\0l\0>"s), FileType::kHtml);
}

TEST(FileTypeTest, FindsPdfInTheFirstKib) {
  EXPECT_EQ(TypeOf(Text(1000) + "%PDF-1.4\n" + Text(99)), FileType::kPdf);
  EXPECT_EQ(TypeOf(Text(1020) + "%PDF-1.4\n" + Text(99)), FileType::kTextAscii);
}

TEST(FileTypeTest, FindsMailBehindOtherLines) {
  EXPECT_EQ(TypeOf("x\nFrom: a\nContent-Type: text/plain\n"), FileType::kMail);
  EXPECT_EQ(TypeOf("x\nMIME-Version: 1.0\nContent-Type: text/plain\n"),
            FileType::kMhtml);
  EXPECT_EQ(TypeOf("x\nFrom: a\nTo: b\n"), FileType::kTextAscii);
}

TEST(FileTypeTest, KnowsAnOldTarByItsChecksum) {
  std::string header(512, '\0');
  header.replace(0, 5, "a.txt");
  header.replace(148, 8, "001356\0 "s);
  unsigned sum = 8 * ' ';
  for (const char c : "a.txt"s) sum += static_cast<unsigned char>(c);
  ASSERT_EQ(sum, 01357U);
  EXPECT_EQ(TypeOf(header), FileType::kBinary);
  header.replace(148, 8, "001357\0 "s);
  EXPECT_EQ(TypeOf(header), FileType::kOldTar);
}

TEST(FileTypeTest, KnowsNothingOfNothing) {
  EXPECT_EQ(TypeOf(""), FileType::kBinary);
}

TEST(FileTypeTest, HasAnAnswerForEveryPrefix) {
  const std::string starts[] = {Text(1200), Binary(1200), "<a " + Text(1200)};
  for (const std::string& whole : starts) {
    for (size_t bytes = 0; bytes <= whole.size(); ++bytes) {
      EXPECT_LE(TargetOf(TypeOf(whole.substr(0, bytes))), 14);
    }
  }
}

TEST(FileTypeTest, GoesFromNamesToTypesAndBack) {
  EXPECT_EQ(TypeNamed("CL_TYPE_MSEXE"), FileType::kMsExe);
  EXPECT_EQ(TypeName(FileType::kMhtml), "CL_TYPE_MHTML");
  EXPECT_EQ(TypeNamed("CL_TYPE_NONE"), std::nullopt);
  for (uint8_t i = 0; i <= static_cast<uint8_t>(FileType::kPartitionHfsPlus);
       ++i) {
    const FileType type = static_cast<FileType>(i);
    EXPECT_EQ(TypeNamed(TypeName(type)), type);
  }
}

TEST(FileTypeTest, HasTheTargetsOfSignatures) {
  EXPECT_EQ(TargetOf(FileType::kMsExe), 1);
  EXPECT_EQ(TargetOf(FileType::kHtml), 3);
  EXPECT_EQ(TargetOf(FileType::kTextUtf16Be), 7);
  EXPECT_EQ(TargetOf(FileType::kMachOUniversal), 9);
  EXPECT_EQ(TargetOf(FileType::kZip), 0);
  EXPECT_EQ(TargetOf(FileType::kBinary), 14);
}

TEST(ExecutableFactsTest, AreReadByType) {
  const std::vector<uint8_t> files[] = {MakePe({}), MakeElf({}), MakeMachO({})};
  ExecutableFacts facts;
  for (const std::vector<uint8_t>& file : files) {
    Content content{ByteView(file)};
    ReadExecutableFacts(DetectFileType(file, file.size()), content, facts);
    EXPECT_TRUE(facts.is_valid);
  }
  Content content{ByteView(files[0])};
  ReadExecutableFacts(FileType::kZip, content, facts);
  EXPECT_FALSE(facts.is_valid);
}

}  // namespace
}  // namespace gatehouse
