#include "signatures/signature_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse {
namespace {

using testing::HasSubstr;

std::shared_ptr<const SignatureSet> Compile(Signatures signatures) {
  auto set = SignatureSet::Compile(std::move(signatures));
  EXPECT_TRUE(set.has_value());
  return set ? *set : nullptr;
}

Signature Literal(std::string name, const std::vector<uint8_t>& bytes,
                  Target target = Target::kAny) {
  Signature signature = LiteralSignature(std::move(name), bytes);
  signature.target = target;
  return signature;
}

// The shard that files of the target meet.
size_t ShardOf(const SignatureSet& set, Target target) {
  return set.tables().targets[static_cast<size_t>(target)];
}

HashSignature Hash(std::string name, DigestAlgorithm algorithm, uint8_t first,
                   uint64_t size) {
  HashSignature signature;
  signature.name = std::move(name);
  signature.algorithm = algorithm;
  signature.digest[0] = first;
  signature.size = size;
  return signature;
}

std::shared_ptr<const SignatureSet> CompileHashes(
    std::vector<HashSignature> hashes) {
  Signatures signatures;
  signatures.hashes = std::move(hashes);
  return Compile(std::move(signatures));
}

std::string_view Find(const SignatureSet& set, DigestAlgorithm algorithm,
                      uint8_t first, uint64_t size) {
  std::array<uint8_t, kDigestBytesMax> digest = {first};
  const std::vector<std::string_view> names = set.hashes().Find(
      algorithm, ByteView(digest).first(DigestBytes(algorithm)), size);
  return names.empty() ? std::string_view()
                       : *std::min_element(names.begin(), names.end());
}

TEST(SignatureSetTest, AnEmptySetHasNoDatabase) {
  const auto set = Compile({});
  ASSERT_FALSE(set->tables().shards.empty());
  EXPECT_TRUE(set->triggers(0).grams().literals.empty());
  EXPECT_EQ(set->triggers(0).others(), nullptr);
  EXPECT_EQ(set->body_count(), 0U);
  EXPECT_EQ(set->hash_count(), 0U);
  EXPECT_EQ(set->hashes().NeedsFor(1), DigestNeeds{});
}

TEST(SignatureSetTest, NumbersBodiesInOrderOfName) {
  Signatures signatures;
  signatures.bodies = {Literal("b", {1, 2, 3, 4, 5, 6}),
                       Literal("c", {1, 2, 3, 4, 5, 7}), Literal("a", {3, 4})};
  const auto set = Compile(std::move(signatures));
  EXPECT_EQ(set->body_count(), 3U);
  EXPECT_EQ(set->body_name(0), "a");
  EXPECT_EQ(set->body_name(2), "c");
}

// So many literals that a filter of grams is made, and a short one.
Signatures ManyLiterals() {
  Signatures signatures;
  for (uint8_t i = 0; i < 250; ++i) {
    for (uint8_t j = 0; j < 60; ++j) {
      signatures.bodies.push_back(
          Literal(std::to_string(i * 60 + j), {i, 2, j, 4, 5, 6, 7, 8}));
    }
  }
  signatures.bodies.push_back(Literal("short", {3, 4}));
  return signatures;
}

TEST(SignatureSetTest, ShortTriggersBesideGramsAreFoundByPairs) {
  const auto set = Compile(ManyLiterals());
  EXPECT_EQ(set->triggers(0).grams().literals.size(), 15001U);
  EXPECT_EQ(set->triggers(0).grams().pairs.entries.size(), 1U);
  EXPECT_EQ(set->triggers(0).others(), nullptr);
}

TEST(SignatureSetTest, ManyTriggersOfFiveBytesDoNotFillTheMemory) {
  Signatures signatures;
  for (unsigned i = 0; i < 20000; ++i) {
    const auto low = static_cast<uint8_t>(i);
    const auto high = static_cast<uint8_t>(i >> 8U);
    signatures.bodies.push_back(
        Literal(std::to_string(i), {0xd1, low, 0xf3, high, 0xa7}));
  }
  const auto set = Compile(std::move(signatures));
  EXPECT_LT(set->triggers(0).grams().grams.entries.size(), 1000U);
  EXPECT_EQ(set->triggers(0).grams().pairs.buckets.size(), kPairBuckets + 1);
}

TEST(SignatureSetTest, OfAFewTriggersNoFilterIsMade) {
  Signatures signatures;
  signatures.bodies = {Literal("a", {1, 2, 3, 4, 5}), Literal("b", {3, 4})};
  const auto set = Compile(std::move(signatures));
  EXPECT_TRUE(set->triggers(0).grams().literals.empty());
  EXPECT_NE(set->triggers(0).others(), nullptr);
}

TEST(SignatureSetTest, AFileMeetsTheSignaturesOfItsTargetAndOfAny) {
  Signatures signatures;
  signatures.bodies = {Literal("any", {1, 2, 3, 4, 5, 6}),
                       Literal("pe", {1, 2, 3, 4, 5, 7}, Target::kPe),
                       Literal("elf", {1, 2, 3, 4, 5, 8}, Target::kElf)};
  const auto set = Compile(std::move(signatures));
  const size_t any = ShardOf(*set, Target::kAny);
  EXPECT_EQ(ShardOf(*set, Target::kGraphics), any);
  EXPECT_NE(ShardOf(*set, Target::kPe), any);
  EXPECT_NE(ShardOf(*set, Target::kPe), ShardOf(*set, Target::kElf));
  EXPECT_EQ(set->tables().shards[any].trigger_count, 1U);
  EXPECT_EQ(set->tables().shards[ShardOf(*set, Target::kPe)].trigger_count, 2U);
}

// Hyperscan is slow on HTML files.
TEST(SignatureSetTest, HtmlFilesHaveAFilterOfGramsAlsoForSmallSets) {
  Signatures signatures;
  for (uint8_t i = 0; i < 40; ++i) {
    signatures.bodies.push_back(
        Literal(std::to_string(i), {1, 2, 3, 4, 5, 6, i}));
  }
  const auto set = Compile(std::move(signatures));
  const size_t html = set->tables().targets[kHtmlBytesIndex];
  EXPECT_EQ(ShardOf(*set, Target::kHtml), html);
  EXPECT_EQ(set->triggers(html).grams().literals.size(), 40U);
  const size_t any = ShardOf(*set, Target::kAny);
  EXPECT_TRUE(set->triggers(any).grams().literals.empty());
}

TEST(SignatureSetTest, EverySetIsANewGeneration) {
  const auto first = Compile({});
  const auto second = Compile({});
  EXPECT_GT(first->generation(), 0U);
  EXPECT_GT(second->generation(), first->generation());
}

TEST(SignatureSetTest, CompilesDuplicatesAndEveryByteValue) {
  Signatures signatures;
  for (int byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<uint8_t>(byte);
    signatures.bodies.push_back(Literal("same", {value, value, 0}));
    signatures.bodies.push_back(Literal("same", {0, value}));
  }
  EXPECT_EQ(Compile(std::move(signatures))->body_count(), 512U);
}

TEST(SignatureSetTest, AsksOnlyForDigestsOfThatSize) {
  Signatures signatures;
  signatures.hashes = {Hash("a", DigestAlgorithm::kMd5, 1, 10),
                       Hash("b", DigestAlgorithm::kSha256, 2, 10),
                       Hash("c", DigestAlgorithm::kSha1, 3, uint64_t{5} << 20)};
  const auto set = Compile(std::move(signatures));
  EXPECT_EQ(set->hashes().NeedsFor(10), (DigestNeeds{true, false, true}));
  EXPECT_EQ(set->hashes().NeedsFor(11), DigestNeeds{});
  EXPECT_EQ(set->hashes().NeedsFor(uint64_t{5} << 20),
            (DigestNeeds{false, true, false}));
  EXPECT_EQ(set->hashes().NeedsFor((uint64_t{5} << 20) + 1), DigestNeeds{});
  EXPECT_EQ(set->hashes().algorithms(), (DigestNeeds{true, true, true}));
}

TEST(SignatureSetTest, ASignatureForAnySizeAsksForItsDigestAlways) {
  const auto set =
      CompileHashes({Hash("a", DigestAlgorithm::kSha1, 1, kAnySize),
                     Hash("b", DigestAlgorithm::kMd5, 2, 10)});
  EXPECT_EQ(set->hashes().NeedsFor(0), (DigestNeeds{false, true, false}));
  EXPECT_EQ(set->hashes().NeedsFor(10), (DigestNeeds{true, true, false}));
}

TEST(SignatureSetTest, FindsADigestOnlyWithItsSizeAndAlgorithm) {
  const auto set = CompileHashes({Hash("a", DigestAlgorithm::kMd5, 1, 10)});
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 1, 10), "a");
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 1, 11), "");
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 2, 10), "");
  EXPECT_EQ(Find(*set, DigestAlgorithm::kSha1, 1, 10), "");
}

TEST(SignatureSetTest, ReturnsTheSmallestNameOfADigest) {
  const auto set =
      CompileHashes({Hash("c", DigestAlgorithm::kMd5, 1, 10),
                     Hash("b", DigestAlgorithm::kMd5, 1, 10),
                     Hash("a", DigestAlgorithm::kMd5, 1, kAnySize)});
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 1, 10), "a");
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 1, 99), "a");
  EXPECT_EQ(set->hash_count(), 3U);
}

}  // namespace
}  // namespace gatehouse
