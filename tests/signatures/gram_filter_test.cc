#include "signatures/gram_filter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {
namespace {

constexpr size_t kTriggers = 3;

std::vector<uint64_t> Packed() {
  return PackGramFilter({{AsBytes("abcdefgh"), true, 0},
                         {AsBytes("1234567"), false, 1},
                         {AsBytes("xy-zz"), true, 2},
                         {AsBytes("q!"), true, 0, GramMeans::kPair, 0},
                         {AsBytes("v?z#"), true, 2, GramMeans::kPair, 1}});
}

TEST(GramFilterTest, OpensWhatWasPacked) {
  const std::vector<uint64_t> buffer = Packed();
  const auto filter = GramFilter::Open(buffer, kTriggers);
  ASSERT_TRUE(filter.has_value());
  ASSERT_EQ(filter->literals.size(), 5U);
  EXPECT_EQ(filter->literals[1].trigger, 1U);
  EXPECT_EQ(filter->literals[1].length, 7U);
  // Three grams of the first two; two of the last, and any byte in front, but
  // for those that share a bucket.
  EXPECT_LE(filter->grams.buckets.back(), 3U + 3 + 2 + 192);
  EXPECT_GE(filter->grams.buckets.back(), 3U + 3 + 2 + 100);
  EXPECT_EQ(filter->pairs.entries.size(), 4U);  // In either case.
}

TEST(GramFilterTest, ALaneMayHaveTheGramsOfItsLiteralsInEitherCase) {
  const std::vector<uint64_t> buffer = Packed();
  const auto filter = GramFilter::Open(buffer, kTriggers);
  ASSERT_TRUE(filter.has_value());
  for (const std::string_view text :
       {"abcdefgh", "ABCDEFGH", "bcdefgh?", "CDEFGHab", "3456\x37@@@",
        "y-ZZ??"
        "??",
        "?XY-zz??", "\xffxy-ZZ.."}) {
    EXPECT_TRUE(filter->grams.MayHave(GramWord(AsBytes(text)))) << text;
  }
}

TEST(GramFilterTest, RunsOfZerosPass) {
  const std::vector<uint64_t> buffer = Packed();
  const auto filter = GramFilter::Open(buffer, kTriggers);
  ASSERT_TRUE(filter.has_value());
  EXPECT_FALSE(filter->grams.MayHave(0));
}

TEST(GramFilterTest, MasksLetLittleElseThrough) {
  const std::vector<uint64_t> buffer = Packed();
  const auto filter = GramFilter::Open(buffer, kTriggers);
  ASSERT_TRUE(filter.has_value());
  size_t passed = 0;
  for (size_t pair = 0; pair < kPairs; ++pair) {
    passed += filter->pairs.DoMasksPass(pair) ? 1U : 0U;
  }
  EXPECT_EQ(passed, 4U);
}

TEST(GramFilterTest, RefusesATriggerThatIsNone) {
  const std::vector<uint64_t> buffer = Packed();
  EXPECT_FALSE(GramFilter::Open(buffer, kTriggers - 1).has_value());
}

TEST(GramFilterTest, RefusesWhatIsCutOff) {
  const std::vector<uint64_t> buffer = Packed();
  for (size_t words = 0; words < buffer.size(); words += 7) {
    EXPECT_FALSE(
        GramFilter::Open(std::span(buffer).first(words), kTriggers).has_value())
        << words;
  }
}

// Whether every index of an opened filter leads somewhere.
void ExpectSound(const GramFilter& filter) {
  if (const GramLane& lane = filter.grams; !lane.entries.empty()) {
    const uint64_t hashes = uint64_t{1} << 32;
    EXPECT_LT((hashes - 1) >> lane.bitmap_shift, lane.bitmap.size());
    EXPECT_LT(((hashes - 1) >> lane.bucket_shift) + 1, lane.buckets.size());
    for (const uint32_t begin : lane.buckets) {
      EXPECT_LE(begin + kGramEntriesAtOnce, lane.entries.size());
    }
    for (const GramEntry& entry : lane.entries) {
      ASSERT_LT(entry.literal, filter.literals.size());
      ASSERT_LE(entry.distance, kGramStride);
      ASSERT_LT(entry.shift, 64);
    }
  }
  for (const uint32_t begin : filter.pairs.buckets) {
    EXPECT_LE(begin, filter.pairs.entries.size());
  }
  for (const ShortEntry& entry : filter.pairs.entries) {
    ASSERT_LT(entry.literal(), filter.literals.size());
  }
  for (size_t pair = 0; !filter.pairs.masks.empty() && pair < kPairs; ++pair) {
    EXPECT_TRUE(filter.pairs.map[pair] == 0 || filter.pairs.DoMasksPass(pair));
  }
  for (const GramLiteral& literal : filter.literals) {
    EXPECT_LT(literal.trigger, kTriggers);
    EXPECT_LE(literal.length, kGramLiteralBytesMax);
  }
}

TEST(GramFilterTest, WhatIsLookedAtOfAnEmptyLastBucketIsWithinTheTable) {
  const std::vector<uint64_t> buffer =
      PackGramFilter({GramText{AsBytes("abcdefg")}});
  const auto filter = GramFilter::Open(buffer, kTriggers);
  ASSERT_TRUE(filter.has_value());
  const std::span<const uint32_t> buckets = filter->grams.buckets;
  ASSERT_EQ(buckets[buckets.size() - 2], buckets.back());
  ExpectSound(*filter);
}

// What is compared would begin before the block.
TEST(GramFilterTest, RefusesAnEntryThatBeginsTooFarInFront) {
  std::vector<uint64_t> buffer =
      PackGramFilter({GramText{AsBytes("abcdefgh")}});
  const auto filter = GramFilter::Open(buffer, kTriggers);
  ASSERT_TRUE(filter.has_value());
  GramEntry entry = filter->grams.entries.front();
  const auto at =
      static_cast<size_t>(static_cast<const uint64_t*>(static_cast<const void*>(
                              filter->grams.entries.data())) -
                          buffer.data());
  for (const uint8_t distance : {uint8_t{3}, uint8_t{4}, uint8_t{5}}) {
    entry.distance = distance;
    std::memcpy(&buffer[at], &entry, sizeof(entry));
    EXPECT_EQ(GramFilter::Open(buffer, kTriggers).has_value(),
              distance <= kGramStride);
  }
}

TEST(GramFilterTest, WhatWasTamperedWithIsRefusedOrSound) {
  const std::vector<uint64_t> whole = Packed();
  std::mt19937_64 random(6);
  size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<uint64_t> buffer = whole;
    // The head and the small tables, not the bitmap alone.
    const size_t limit = round % 2 == 0 ? 40 : buffer.size();
    uint64_t& word = buffer[random() % limit];
    word = round % 3 == 0 ? random() : word ^ uint64_t { 1 } << random() % 64;
    const auto filter = GramFilter::Open(buffer, kTriggers);
    if (filter) {
      ExpectSound(*filter);
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 500U);
}

}  // namespace
}  // namespace gatehouse
