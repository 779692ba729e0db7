#include "engine/format/pe_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/format/broken_headers.h"
#include "tests/engine/format/executable_maker.h"

namespace gatehouse {

// Every expectation here is what clamscan 1.4.6 was seen to do.

namespace {

using testing::ElementsAre;
using testing::Optional;

ExecutableFacts FactsOf(const MadePe& pe) {
  const std::vector<uint8_t> file = MakePe(pe);
  Content content{ByteView(file)};
  ExecutableFacts facts;
  ReadPeFacts(content, facts);
  ExpectConsistent(facts);
  return facts;
}

MadePe WithSection(const MadeSection& section) {
  MadePe pe;
  pe.sections = {section};
  return pe;
}

TEST(PeFactsTest, MapsTheEntryPointIntoItsSection) {
  for (const bool is_64_bit : {false, true}) {
    MadePe pe;
    pe.is_64_bit = is_64_bit;
    const ExecutableFacts facts = FactsOf(pe);
    EXPECT_TRUE(facts.is_valid);
    EXPECT_THAT(facts.entry_point, Optional(0x410));
    ASSERT_EQ(facts.sections.size(), 1U);
    EXPECT_EQ(facts.sections[0].raw_offset, 0x400U);
    EXPECT_EQ(facts.sections[0].raw_bytes, 0x200U);
    EXPECT_EQ(facts.sections[0].address, 0x1000U);
    EXPECT_EQ(facts.sections[0].address_bytes, 0x1000U);
    EXPECT_EQ(facts.pe.is_64_bit, is_64_bit);
  }
}

TEST(PeFactsTest, TakesAnAddressInTheHeadersAsAnOffset) {
  MadePe pe;
  pe.entry_address = 0x10;
  EXPECT_THAT(FactsOf(pe).entry_point, Optional(0x10));
  pe.entry_address = 0x500;  // The headers are rounded up to a page.
  EXPECT_THAT(FactsOf(pe).entry_point, Optional(0x500));
}

TEST(PeFactsTest, IsNotValidWhenTheEntryPointLiesNowhere) {
  MadePe pe;
  pe.entry_address = 0x9000;
  EXPECT_FALSE(FactsOf(pe).is_valid);
  pe.entry_address = 0x1200;  // Behind the raw bytes, within the address range.
  EXPECT_FALSE(FactsOf(pe).is_valid);
  pe.entry_address = 0x11ff;
  EXPECT_TRUE(FactsOf(pe).is_valid);
}

TEST(PeFactsTest, RoundsRawOffsetsDownAndRawSizesUp) {
  const ExecutableFacts facts =
      FactsOf(WithSection({0x1000, 0x1000, 0x3ff, 0x201}));
  ASSERT_EQ(facts.sections.size(), 1U);
  EXPECT_EQ(facts.sections[0].raw_offset, 0x200U);
  EXPECT_EQ(facts.sections[0].raw_bytes, 0x400U);
}

TEST(PeFactsTest, TakesTheUsualAlignmentWhereASectionBelittlesTheOtherOne) {
  MadePe pe;
  pe.file_alignment = 0x1000;
  EXPECT_THAT(FactsOf(pe).entry_point, Optional(0x410));
  pe.sections[0].raw_offset = 0x410;  // Not a multiple of 512 either.
  EXPECT_THAT(FactsOf(pe).entry_point, Optional(0x10));
}

TEST(PeFactsTest, CutsASectionAtTheEndOfTheFile) {
  const ExecutableFacts facts =
      FactsOf(WithSection({0x1000, 0x1000, 0xf00, 0x400}));
  ASSERT_EQ(facts.sections.size(), 1U);
  EXPECT_EQ(facts.sections[0].raw_offset, 0xe00U);
  EXPECT_EQ(facts.sections[0].raw_bytes, 0x200U);
}

TEST(PeFactsTest, LeavesOutSectionsBeyondTheEnd) {
  MadePe pe;
  pe.sections.push_back({0x2000, 0x1000, 0x2000, 0x200});
  EXPECT_EQ(FactsOf(pe).sections.size(), 1U);
  pe.sections[1].raw_bytes = 0;  // Without bytes, it may lie anywhere.
  EXPECT_EQ(FactsOf(pe).sections.size(), 2U);
}

TEST(PeFactsTest, LooksThroughTheSectionsFromTheLast) {
  MadePe pe;
  pe.sections.push_back({0x1000, 0x1000, 0x600, 0x200});
  EXPECT_THAT(FactsOf(pe).entry_point, Optional(0x610));
}

TEST(PeFactsTest, IsNotValidWithNoOrTooManySections) {
  MadePe pe;
  pe.sections.clear();
  EXPECT_FALSE(FactsOf(pe).is_valid);
  pe.sections.assign(kPeSectionsMax, MadeSection());
  pe.file_bytes = 0x2000;
  EXPECT_EQ(FactsOf(pe).sections.size(), kPeSectionsMax);
  pe.sections.push_back(MadeSection());
  EXPECT_FALSE(FactsOf(pe).is_valid);
}

TEST(PeFactsTest, IsNotValidWhenItsOptionalHeaderIsShort) {
  MadePe pe;
  pe.optional_bytes = 0x5f;
  EXPECT_FALSE(FactsOf(pe).is_valid);
  pe.optional_bytes = 0x60;  // No place for the directories.
  EXPECT_FALSE(FactsOf(pe).is_valid);
  pe.optional_bytes = 0x100;
  EXPECT_TRUE(FactsOf(pe).is_valid);
}

TEST(PeFactsTest, IsNotValidWithASignBitInAnAddressOrASize) {
  EXPECT_FALSE(
      FactsOf(WithSection({0x80001000, 0x1000, 0x400, 0x200})).is_valid);
  EXPECT_FALSE(
      FactsOf(WithSection({0x1000, 0x80001000, 0x400, 0x200})).is_valid);
  const ExecutableFacts facts =
      FactsOf(WithSection({0x1000, 0x1000, 0x400, 0x80000200}));
  ASSERT_TRUE(facts.is_valid);  // Cut at the end of the file.
  EXPECT_EQ(facts.sections[0].raw_bytes, 0xc00U);
}

// A resource tree and one version resource in a section at 0x1000.
std::vector<uint8_t> FileWithVersion() {
  MadePe pe;
  pe.sections = {{0x1000, 0x1000, 0x400, 0xc00}};
  pe.resource_address = 0x1000;
  MadeFile file(0);
  file.PutText(0, AsText(MakePe(pe)));
  file.Zero(0x400, 0x400);
  const auto directory = [&file](size_t at, uint32_t id, uint32_t place) {
    file.Put(at + 14, 1, 2);
    file.Put(at + 16, id, 4);
    file.Put(at + 20, place, 4);
  };
  directory(0x400, 16, 0x80000020);
  directory(0x420, 1, 0x80000040);
  directory(0x440, 0x409, 0x60);
  file.Put(0x460, 0x1080, 4);
  file.Put(0x464, 0x200, 4);
  const auto node = [&file](size_t at, size_t bytes, std::string_view key) {
    file.Put(at, bytes, 2);
    for (size_t i = 0; i < key.size(); ++i) {
      file.PutText(at + 6 + 2 * i, key.substr(i, 1));
    }
  };
  node(0x480, 0x100, "VS_VERSION_INFO");
  node(0x4a8, 0xd0, "StringFileInfo");
  node(0x4cc, 0xac, "040904b0");
  node(0x4e4, 0x1e, "Name");  // Padded to 0x20.
  node(0x504, 0x20, "Other");
  return file.Take();
}

TEST(PeFactsTest, FindsTheKeysOfVersionStrings) {
  const std::vector<uint8_t> file = FileWithVersion();
  Content content{ByteView(file)};
  ExecutableFacts facts;
  ReadPeFacts(content, facts);
  ASSERT_TRUE(facts.is_valid);
  EXPECT_THAT(facts.version_strings, ElementsAre(0x4ea, 0x50a));
}

TEST(PeFactsTest, SurvivesEveryPrefixAndEveryChangedByte) {
  const auto read = [](Content& content, ExecutableFacts& facts) {
    ReadPeFacts(content, facts);
  };
  ExpectConsistentWhenBroken(FileWithVersion(), 0x600, read);
  MadePe pe;
  pe.is_64_bit = true;
  ExpectConsistentWhenBroken(MakePe(pe), 0x200, read);
}

}  // namespace
}  // namespace gatehouse
