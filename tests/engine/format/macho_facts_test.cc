#include "engine/format/macho_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/format/broken_headers.h"
#include "tests/engine/format/executable_maker.h"

namespace gatehouse {

// Every expectation here is what clamscan 1.4.6 was seen to do.

namespace {

using testing::Optional;

constexpr uint32_t kPowerPc = 18;

ExecutableFacts FactsOfFile(const std::vector<uint8_t>& file) {
  Content content{ByteView(file)};
  ExecutableFacts facts;
  ReadMachOFacts(content, facts);
  ExpectConsistent(facts);
  return facts;
}

ExecutableFacts FactsOf(const MadeMachO& made) {
  return FactsOfFile(MakeMachO(made));
}

MadeMachO PowerPc(uint64_t entry_address) {
  MadeMachO made;
  made.is_64_bit = false;
  made.order = ByteOrder::kBig;
  made.processor = kPowerPc;
  made.thread_register = entry_address;
  return made;
}

TEST(MachOFactsTest, ReadsBothWidthsInBothByteOrders) {
  for (const bool is_64_bit : {false, true}) {
    for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
      MadeMachO made;
      made.is_64_bit = is_64_bit;
      made.order = order;
      made.sections = {{0x1000, 0, 0x400, 0x100}, {0x1200, 0, 0x600, 0x80}};
      const ExecutableFacts facts = FactsOf(made);
      EXPECT_THAT(facts.entry_point, Optional(0));
      ASSERT_EQ(facts.sections.size(), 2U);
      EXPECT_EQ(facts.sections[1].address, 0x1200U);
      EXPECT_EQ(facts.sections[1].raw_offset, 0x600U);
      EXPECT_EQ(facts.sections[1].raw_bytes, 0x80U);
    }
  }
}

TEST(MachOFactsTest, RoundsRawSizesUpToTheSectionsAlignment) {
  MadeMachO made;
  made.sections[0].raw_bytes = 0x101;
  made.alignment_bits = 5;
  EXPECT_EQ(FactsOf(made).sections.at(0).raw_bytes, 0x120U);
  made.alignment_bits = 31;
  EXPECT_TRUE(FactsOf(made).is_valid);
  made.alignment_bits = 32;
  EXPECT_FALSE(FactsOf(made).is_valid);
}

TEST(MachOFactsTest, MapsTheEntryPointOfPowerPcOnly) {
  EXPECT_THAT(FactsOf(PowerPc(0x1020)).entry_point, Optional(0x420));
  EXPECT_THAT(FactsOf(PowerPc(0)).entry_point, Optional(0));
  EXPECT_FALSE(FactsOf(PowerPc(0x9000)).is_valid);
  MadeMachO other = PowerPc(0x9000);
  other.processor = 7;
  EXPECT_THAT(FactsOf(other).entry_point, Optional(0));
}

TEST(MachOFactsTest, IsNotValidWhenCommandsAreNoneTooManyOrMissing) {
  MadeMachO made;
  made.command_count = 0;
  EXPECT_FALSE(FactsOf(made).is_valid);
  made.command_count = kMachOCommandsMax + 1;
  EXPECT_FALSE(FactsOf(made).is_valid);
  made.command_count = 1000;  // What follows the first one is no command.
  EXPECT_FALSE(FactsOf(made).is_valid);
}

TEST(MachOFactsTest, IsNotValidWithMoreThan255SectionsInASegment) {
  MadeMachO made;
  made.file_bytes = 0x10000;
  made.sections.assign(255, MadeSection());
  EXPECT_EQ(FactsOf(made).sections.size(), 255U);
  made.sections.push_back(MadeSection());
  EXPECT_FALSE(FactsOf(made).is_valid);
}

TEST(MachOFactsTest, HasNoFactsOfAUniversalFileButItsSlices) {
  const std::vector<uint8_t> slice = MakeMachO({});
  const std::vector<uint8_t> file = MakeUniversal({slice, slice});
  EXPECT_FALSE(FactsOfFile(file).is_valid);
  Content content{ByteView(file)};
  std::vector<MachOSlice> slices;
  ReadMachOSlices(content, slices);
  ASSERT_EQ(slices.size(), 2U);
  EXPECT_EQ(slices[1].offset, 0x3000U);
  EXPECT_EQ(slices[1].bytes, slice.size());
}

TEST(MachOFactsTest, CutsASliceAtTheEndOfTheFile) {
  std::vector<uint8_t> file = MakeUniversal({MakeMachO({})});
  file.resize(0x1010);
  Content content{ByteView(file)};
  std::vector<MachOSlice> slices;
  ReadMachOSlices(content, slices);
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ(slices[0].bytes, 0x10U);
  file.resize(0x1000);
  Content without{ByteView(file)};
  ReadMachOSlices(without, slices);
  EXPECT_TRUE(slices.empty());
}

TEST(MachOFactsTest, SurvivesEveryPrefixAndEveryChangedByte) {
  for (const bool is_64_bit : {false, true}) {
    MadeMachO made = PowerPc(0x1020);
    made.is_64_bit = is_64_bit;
    made.file_bytes = 0x400;
    ExpectConsistentWhenBroken(MakeMachO(made), 0x200,
                               [](Content& content, ExecutableFacts& facts) {
                                 ReadMachOFacts(content, facts);
                               });
  }
}

}  // namespace
}  // namespace gatehouse
