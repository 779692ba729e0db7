#include "engine/format/pe_imports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/format/pe_facts.h"
#include "tests/engine/format/executable_maker.h"

namespace gatehouse {

// Every expectation here is what clamscan 1.4.6 was seen to do: the hash and
// the size of its import text were those of these texts.

namespace {

using testing::Optional;

constexpr size_t kRawOffset = 0x400;
constexpr uint32_t kAddress = 0x1000;
constexpr size_t kNameBytes = 0x200;  // For each name.

// A file with an import table of one library: functions by number, then by
// name.
std::vector<uint8_t> FileThatImports(bool is_64_bit, std::string_view library,
                                     const std::vector<uint32_t>& ordinals,
                                     const std::vector<std::string>& names) {
  MadePe pe;
  pe.is_64_bit = is_64_bit;
  pe.sections = {{kAddress, 0x2000, kRawOffset, 0x2000}};
  pe.import_address = kAddress;
  pe.file_bytes = kRawOffset + 0x2000;
  MadeFile file(0);
  file.PutText(0, AsText(MakePe(pe)));
  file.Zero(kRawOffset, 0x2000);
  constexpr size_t kThunks = 0x100;
  constexpr size_t kNames = 0x400;
  file.Put(kRawOffset, kAddress + kThunks, 4);
  file.Put(kRawOffset + 12, kAddress + kNames, 4);
  file.PutText(kRawOffset + kNames, library);
  const size_t width = is_64_bit ? 8 : 4;
  size_t thunk = kRawOffset + kThunks;
  for (const uint32_t ordinal : ordinals) {
    file.Put(thunk, uint64_t{1} << (8 * width - 1) | ordinal, width);
    thunk += width;
  }
  size_t name = kNames;
  for (const std::string& text : names) {
    name += kNameBytes;
    file.Put(thunk, kAddress + name, width);
    file.PutText(kRawOffset + name + 2, text);
    thunk += width;
  }
  return file.Take();
}

std::optional<std::string> ImportText(const std::vector<uint8_t>& file) {
  Content content{ByteView(file)};
  ExecutableFacts facts;
  ReadPeFacts(content, facts);
  return facts.is_valid ? ReadImportText(content, facts) : std::nullopt;
}

TEST(PeImportsTest, JoinsLowerCaseNames) {
  for (const bool is_64_bit : {false, true}) {
    EXPECT_THAT(ImportText(FileThatImports(is_64_bit, "KERNEL32.dll", {},
                                           {"ExitProcess", "Foo"})),
                Optional(std::string("kernel32.exitprocess,kernel32.foo")));
  }
}

TEST(PeImportsTest, DropsThreeExtensionsFromTheFirstDotOn) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"A.OCX", "a.x"},     {"a.sys", "a.x"},         {"a.drv", "a.drv.x"},
      {"noext", "noext.x"}, {"a.b.dll", "a.b.dll.x"}, {".dll", ".x"}};
  for (const auto& [library, expected] : cases) {
    EXPECT_THAT(ImportText(FileThatImports(false, library, {}, {"x"})),
                Optional(expected));
  }
}

TEST(PeImportsTest, NamesWellKnownOrdinals) {
  EXPECT_THAT(
      ImportText(FileThatImports(false, "WS2_32.dll", {1, 115, 100}, {})),
      Optional(std::string("ws2_32.accept,ws2_32.wsastartup,ws2_32.ord100")));
  EXPECT_THAT(ImportText(FileThatImports(true, "oleaut32.dll", {2, 443}, {})),
              Optional(std::string("oleaut32.sysallocstring,"
                                   "oleaut32.unregistertypelibforuser")));
  EXPECT_THAT(ImportText(FileThatImports(true, "foo.dll", {2}, {})),
              Optional(std::string("foo.ord2")));
}

TEST(PeImportsTest, CutsLongNames) {
  EXPECT_THAT(
      ImportText(FileThatImports(false, "f.dll", {}, {std::string(400, 'A')})),
      Optional("f." + std::string(kImportNameBytesMax, 'a')));
}

TEST(PeImportsTest, HasNoTextForNamesOfOtherCharacters) {
  for (const char* const name : {"?Mangled@@", "a b", "a-b", "a\xe9"}) {
    EXPECT_EQ(ImportText(FileThatImports(false, "f.dll", {}, {name})),
              std::nullopt);
  }
}

TEST(PeImportsTest, IsEmptyWithoutImports) {
  EXPECT_THAT(ImportText(MakePe({})), Optional(std::string()));
}

TEST(PeImportsTest, SurvivesEveryPrefixAndEveryChangedByte) {
  std::vector<uint8_t> file =
      FileThatImports(false, "KERNEL32.dll", {5}, {"Foo", "Bar"});
  for (size_t bytes = 0; bytes < file.size(); bytes += 3) {
    (void)ImportText({file.begin(), file.begin() + static_cast<int>(bytes)});
  }
  for (size_t i = 0; i < 0xa00; ++i) {
    for (const int change : {0x01, 0x80, 0xff}) {
      file[i] = static_cast<uint8_t>(file[i] ^ change);
      const std::optional<std::string> text = ImportText(file);
      EXPECT_LE(text.value_or("").size(), kImportTextBytesMax);
      file[i] = static_cast<uint8_t>(file[i] ^ change);
    }
  }
}

}  // namespace
}  // namespace gatehouse
