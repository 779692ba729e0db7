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
                         {AsBytes("q!"), true, 0, true},
                         {AsBytes("v?z#"), true, 2, true}});
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
  EXPECT_LE(filter->grams.buckets.back().begin, 3U + 3 + 2 + 192);
  EXPECT_GE(filter->grams.buckets.back().begin, 3U + 3 + 2 + 100);
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

// Of every three bytes.
size_t PassedByMasks(const PairLane& lane) {
  size_t passed = 0;
  for (uint32_t word = 0; word < uint32_t{1} << 24; ++word) {
    passed += lane.DoMasksPass(word) ? 1U : 0U;
  }
  return passed;
}

TEST(GramFilterTest, MasksLetLittleElseThrough) {
  const std::vector<uint64_t> buffer = Packed();
  const auto filter = GramFilter::Open(buffer, kTriggers);
  ASSERT_TRUE(filter.has_value());
  // Two ways to write each pair, any byte behind it.
  EXPECT_EQ(PassedByMasks(filter->pairs), 4U * 256);
}

// As if files had nothing but lower-case letters, nearly.
std::vector<float> RatesOfLetters() {
  std::vector<float> rates;
  for (size_t pair = 0; pair < kPairs; ++pair) {
    const auto is_letter = [](size_t byte) {
      return byte >= 'a' && byte <= 'z';
    };
    const bool are_letters = is_letter(pair >> 8) && is_letter(pair & 0xff);
    rates.push_back(are_letters ? 1.0F / (26 * 26) : 1e-9F);
  }
  return rates;
}

TEST(GramFilterTest, MasksAreMadeForWhatIsLookedThrough) {
  std::vector<std::string> bytes;
  std::mt19937_64 random(12);
  for (int i = 0; i < 200; ++i) {
    std::string& literal = bytes.emplace_back();
    for (int k = 0; k < 3; ++k) {
      const auto letter = static_cast<char>('a' + random() % 26);
      literal += static_cast<char>(i % 4 == 0 ? letter : letter ^ 0x80);
    }
  }
  std::vector<GramText> texts;
  for (const std::string& literal : bytes) {
    texts.push_back({AsBytes(literal), false, 0, true});
  }
  // Of all ways to write three letters.
  const auto passed_with = [&texts](PairRates rates) {
    const std::vector<uint64_t> buffer = PackGramFilter(texts, rates);
    const auto filter = GramFilter::Open(buffer, kTriggers);
    EXPECT_TRUE(filter.has_value());
    size_t passed = 0;
    for (uint32_t word = 0; filter && word < 26 * 26 * 26; ++word) {
      const uint32_t letters = ('a' + word % 26) | ('a' + word / 26 % 26) << 8 |
                               ('a' + word / 676) << 16;
      passed += filter->pairs.DoMasksPass(letters) ? 1U : 0U;
    }
    return passed;
  };
  const size_t passed = passed_with(RatesOfLetters());
  EXPECT_GE(passed, 45U);
  EXPECT_LT(2 * passed, passed_with({}));
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
    for (const GramBucket& bucket : lane.buckets) {
      EXPECT_LE(bucket.begin + kGramEntriesAtOnce, lane.entries.size());
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
    const GramLiteral& literal = filter.literals[entry.literal()];
    ASSERT_LE(entry.distance() + kPairLiteralBytesMin, literal.length);
    const auto word =
        static_cast<uint32_t>(literal.value >> (8 * entry.distance()));
    const bool can_be_there = (literal.value & ~literal.mask) == 0;
    EXPECT_TRUE(filter.pairs.masks.empty() || !can_be_there ||
                filter.pairs.DoMasksPass(word));
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
  const std::span<const GramBucket> buckets = filter->grams.buckets;
  ASSERT_EQ(buckets[buckets.size() - 2].begin, buckets.back().begin);
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
