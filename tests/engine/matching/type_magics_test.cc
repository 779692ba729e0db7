// Lines of .ftm files, from the text to the verdict: a file with the magic is
// one of the line's type, and without the line or the magic it is not.
#include "engine/matching/type_magics.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "signatures/clamav/signature_text.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/signatures_for_tests.h"

namespace gatehouse {
namespace {

using std::string_literals::operator""s;

// A text of an .ndb file, and one of an .ftm file.
std::unique_ptr<Scanner> ScannerOf(std::string_view ndb, std::string_view ftm) {
  Signatures signatures;
  LoadReport report;
  IgnoreList ignored;
  for (const auto& [file, text] : {std::pair("a.ndb", ndb), {"a.ftm", ftm}}) {
    SignatureTextReader reader(file, *FormatOfFile(file), {},
                               {signatures, report, ignored});
    reader.Feed(text);
    reader.Finish();
  }
  const LineCounts counts = report.Totals();
  EXPECT_EQ(counts.loaded, counts.lines);
  auto set = SignatureSet::Compile(std::move(signatures));
  auto scanner = Scanner::Create(set.value());
  EXPECT_TRUE(scanner.has_value());
  return std::move(*scanner);
}

bool Finds(Scanner& scanner, std::string_view content) {
  const Verdict verdict = scanner.Scan(FileOf(content).UnsafeFd(), {});
  return verdict.kind == VerdictKind::kInfected;
}

std::string Hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  return hex;
}

// Letters that no magic of our own begins with.
std::string Word(std::mt19937& random, size_t letters) {
  std::uniform_int_distribution<int> letter('g', 'z');
  std::string word = "q";
  while (word.size() < letters) word += static_cast<char>(letter(random));
  return word;
}

// Neither text nor anything else that is known.
std::string Bytes(size_t count) {
  std::string bytes;
  while (bytes.size() < count) bytes += "\0\x01\xff\xfe"s;
  return bytes;
}

struct Instance {
  std::string ndb;  // Of the type's target.
  std::string ftm;
  std::string content;
  size_t magic_at = 0;
};

Instance MakeInstance(std::mt19937& random, FileType type, bool is_searched) {
  const std::string magic = Word(random, 8);
  const std::string literal = Word(random, 12);
  Instance made;
  made.magic_at = std::uniform_int_distribution<size_t>(0, 900)(random);
  const int target = TargetOf(type);
  made.ndb = "Of.Type:" + std::to_string(target) + ":*:" + Hex(literal) + "\n";
  // What is of no known type counts as target 14 already: then from a text.
  const std::string filler =
      target == 14 ? std::string(1200, ' ') : Bytes(1200);
  made.content = filler + literal + filler;
  made.content.replace(made.magic_at, magic.size(), magic);
  const std::string type_name(TypeName(type));
  made.ftm =
      is_searched
          ? "1:*:" + Hex(magic.substr(0, 3)) + "??" + Hex(magic.substr(4))
          : "0:" + std::to_string(made.magic_at) + ":" + Hex(magic);
  made.ftm += ":N:CL_TYPE_ANY:" + type_name + "\n";
  return made;
}

class MagicOfTypeTest : public testing::TestWithParam<int> {};

TEST_P(MagicOfTypeTest, AFileWithTheMagicIsOfTheType) {
  const auto type = static_cast<FileType>(GetParam());
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const bool is_searched : {false, true}) {
    const Instance made = MakeInstance(random, type, is_searched);
    SCOPED_TRACE(made.ftm);
    const auto without = ScannerOf(made.ndb, "");
    EXPECT_FALSE(Finds(*without, made.content));
    const auto with = ScannerOf(made.ndb, made.ftm);
    EXPECT_TRUE(Finds(*with, made.content));
    std::string broken = made.content;
    broken[made.magic_at + 1] ^= 1;
    EXPECT_FALSE(Finds(*with, broken));
  }
}

std::vector<int> TypesWithATarget() {
  std::vector<int> types;
  for (int type = 0; type <= static_cast<int>(kLastFileType); ++type) {
    if (TargetOf(static_cast<FileType>(type)) != 0) types.push_back(type);
  }
  return types;
}

INSTANTIATE_TEST_SUITE_P(Types, MagicOfTypeTest,
                         testing::ValuesIn(TypesWithATarget()),
                         [](const testing::TestParamInfo<int>& parameter) {
                           return std::string(TypeName(
                               static_cast<FileType>(parameter.param)));
                         });

constexpr const char* kMailSignature = "A:4:*:6c6974657261\n";  // "litera"

TEST(TypeMagicsTest, OurOwnMagicComesFirst) {
  const auto scanner =
      ScannerOf(kMailSignature, "1:*:7175617a:N:CL_TYPE_ANY:CL_TYPE_MAIL\n");
  EXPECT_TRUE(Finds(*scanner, Bytes(40) + "quaz litera"));
  EXPECT_FALSE(Finds(*scanner, "GIF" + Bytes(40) + "quaz litera"));
}

TEST(TypeMagicsTest, TheRequiredTypeIsAskedFor) {
  const auto scanner = ScannerOf(
      kMailSignature, "1:*:7175617a:N:CL_TYPE_TEXT_ASCII:CL_TYPE_MAIL\n");
  EXPECT_TRUE(Finds(*scanner, "a text: quaz litera"));
  EXPECT_FALSE(Finds(*scanner, Bytes(40) + "quaz litera"));
}

TEST(TypeMagicsTest, OnlyTheFirstBytesAreLookedAt) {
  const auto scanner =
      ScannerOf(kMailSignature, "1:*:7175617a:N:CL_TYPE_ANY:CL_TYPE_MAIL\n");
  EXPECT_TRUE(Finds(*scanner, Bytes(1020) + "quaz litera"));
  EXPECT_FALSE(Finds(*scanner, Bytes(1020) + "." + "quaz litera"));
}

TEST(TypeMagicsTest, TheLastLineAndTheGreatestTypeDecide) {
  const std::string mail = "0:0:7175617a:N:CL_TYPE_ANY:CL_TYPE_MAIL\n";
  const std::string pdf = "0:0:7175617a:N:CL_TYPE_ANY:CL_TYPE_PDF\n";
  EXPECT_TRUE(Finds(*ScannerOf(kMailSignature, pdf + mail), "quaz litera"));
  EXPECT_FALSE(Finds(*ScannerOf(kMailSignature, mail + pdf), "quaz litera"));
  const std::string found = "1:*:7175617a:N:CL_TYPE_ANY:CL_TYPE_MAIL\n";
  const std::string lesser = "1:*:7175617a:N:CL_TYPE_ANY:CL_TYPE_PDF\n";
  EXPECT_TRUE(Finds(*ScannerOf(kMailSignature, found + lesser), "quaz litera"));
  EXPECT_TRUE(Finds(*ScannerOf(kMailSignature, lesser + found), "quaz litera"));
}

TEST(MagicTableTest, ATableThatWasTamperedWithIsRefused) {
  TypeMagic magic;
  magic.type = FileType::kMail;
  magic.offset.base = OffsetBase::kStart;
  magic.program = {1, 2, 0, 0x61, 0x62};
  const MagicVectors good = PackMagics({magic});
  ASSERT_TRUE(OpenMagics(good.records, good.codes).has_value());
  const auto is_refused = [&](const auto& change) {
    MagicVectors bad = good;
    change(bad);
    return !OpenMagics(bad.records, bad.codes).has_value();
  };
  EXPECT_TRUE(is_refused([](MagicVectors& bad) { bad.codes.pop_back(); }));
  EXPECT_TRUE(is_refused([](MagicVectors& bad) { bad.codes[0] = 99; }));
  EXPECT_TRUE(is_refused(
      [](MagicVectors& bad) { bad.records[0].code_begin = 1U << 31; }));
  EXPECT_TRUE(is_refused(
      [](MagicVectors& bad) { bad.records[0].type = FileType{250}; }));
  EXPECT_TRUE(
      is_refused([](MagicVectors& bad) { bad.records[0].first_place = 7; }));
  EXPECT_TRUE(is_refused([](MagicVectors& bad) {
    bad.records.resize(kTypeMagicsMax + 1, bad.records[0]);
  }));
}

}  // namespace
}  // namespace gatehouse
