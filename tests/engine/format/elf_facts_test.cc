#include "engine/format/elf_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/format/broken_headers.h"
#include "tests/engine/format/executable_maker.h"

namespace gatehouse {

// Every expectation here is what clamscan 1.4.6 was seen to do.

namespace {

using testing::Optional;

ExecutableFacts FactsOf(const MadeElf& elf) {
  const std::vector<uint8_t> file = MakeElf(elf);
  Content content{ByteView(file)};
  ExecutableFacts facts;
  ReadElfFacts(content, facts);
  ExpectConsistent(facts);
  return facts;
}

TEST(ElfFactsTest, ReadsBothClassesInBothByteOrders) {
  for (const bool is_64_bit : {false, true}) {
    for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
      MadeElf elf;
      elf.is_64_bit = is_64_bit;
      elf.order = order;
      elf.sections = {{0, 0, 0, 0}, {0x400200, 0, 0x200, 0x100}};
      const ExecutableFacts facts = FactsOf(elf);
      EXPECT_THAT(facts.entry_point, Optional(0x100));
      ASSERT_EQ(facts.sections.size(), 2U);
      EXPECT_EQ(facts.sections[1].address, 0x400200U);
      EXPECT_EQ(facts.sections[1].raw_offset, 0x200U);
      EXPECT_EQ(facts.sections[1].raw_bytes, 0x100U);
    }
  }
}

TEST(ElfFactsTest, MapsTheEntryPointByTheFirstSegmentThatHasIt) {
  MadeElf elf;
  elf.segments = {{0x500000, 0, 0x1000}, {0x400000, 0x200, 0x1000}, {}};
  EXPECT_THAT(FactsOf(elf).entry_point, Optional(0x300));
}

TEST(ElfFactsTest, HasItsEntryPointAtZeroWithoutAddressOrSegments) {
  MadeElf elf;
  elf.entry_address = 0;
  EXPECT_THAT(FactsOf(elf).entry_point, Optional(0));
  elf.entry_address = 0x400210;
  elf.segments.clear();
  EXPECT_THAT(FactsOf(elf).entry_point, Optional(0));
}

TEST(ElfFactsTest, IsNotValidWhenTheEntryPointLiesNowhere) {
  MadeElf elf;
  elf.entry_address = 0x401000;
  EXPECT_FALSE(FactsOf(elf).is_valid);
  elf.entry_address = 0x400fff;
  EXPECT_TRUE(FactsOf(elf).is_valid);
  elf.segments[0].offset = UINT64_MAX;  // Beyond what an offset can be.
  EXPECT_FALSE(FactsOf(elf).is_valid);
}

TEST(ElfFactsTest, IsNotValidWithTooManySegmentsOrSections) {
  MadeElf elf;
  elf.file_bytes = 0x8000;
  elf.segments.assign(kElfSegmentsMax, MadeSegment());
  elf.sections.assign(kElfSectionsMax, MadeSection());
  EXPECT_EQ(FactsOf(elf).sections.size(), kElfSectionsMax);
  elf.sections.push_back(MadeSection());
  EXPECT_FALSE(FactsOf(elf).is_valid);
  elf.sections.clear();
  elf.segments.push_back(MadeSegment());
  EXPECT_FALSE(FactsOf(elf).is_valid);
}

TEST(ElfFactsTest, IsNotValidWithAnUnknownClassOrByteOrder) {
  for (const size_t field : {size_t{4}, size_t{5}}) {
    std::vector<uint8_t> file = MakeElf({});
    file[field] = 3;
    Content content{ByteView(file)};
    ExecutableFacts facts;
    ReadElfFacts(content, facts);
    EXPECT_FALSE(facts.is_valid);
  }
}

TEST(ElfFactsTest, SurvivesEveryPrefixAndEveryChangedByte) {
  for (const bool is_64_bit : {false, true}) {
    MadeElf elf;
    elf.is_64_bit = is_64_bit;
    elf.sections = {{0, 0, 0, 0}, {0x400200, 0, 0x200, 0x100}};
    elf.file_bytes = 0x400;
    ExpectConsistentWhenBroken(MakeElf(elf), elf.file_bytes,
                               [](Content& content, ExecutableFacts& facts) {
                                 ReadElfFacts(content, facts);
                               });
  }
}

}  // namespace
}  // namespace gatehouse
