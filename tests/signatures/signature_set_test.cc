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

std::shared_ptr<const SignatureSet> Compile(std::vector<BodySignature> bodies,
                                            std::vector<HashSignature> hashes) {
  auto set = SignatureSet::Compile(std::move(bodies), std::move(hashes));
  EXPECT_TRUE(set.has_value());
  return set ? *set : nullptr;
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

std::string_view Find(const SignatureSet& set, DigestAlgorithm algorithm,
                      uint8_t first, uint64_t size) {
  std::array<uint8_t, kDigestBytesMax> digest = {first};
  const std::vector<std::string_view> names = set.FindHashes(
      algorithm, ByteView(digest).first(DigestBytes(algorithm)), size);
  return names.empty() ? std::string_view()
                       : *std::min_element(names.begin(), names.end());
}

TEST(SignatureSetTest, AnEmptySetHasNoDatabase) {
  const auto set = Compile({}, {});
  EXPECT_EQ(set->body_database(), nullptr);
  EXPECT_TRUE(set->anchored_bodies().empty());
  EXPECT_EQ(set->body_count(), 0U);
  EXPECT_EQ(set->hash_count(), 0U);
  EXPECT_EQ(set->DigestsFor(1), DigestNeeds{});
}

TEST(SignatureSetTest, NumbersBodiesInOrderOfName) {
  const auto set = Compile(
      {{"b", {1, 2}, kAnyOffset}, {"c", {1, 2}, 7}, {"a", {3, 4}, kAnyOffset}},
      {});
  EXPECT_NE(set->body_database(), nullptr);
  EXPECT_EQ(set->body_count(), 3U);
  EXPECT_EQ(set->body_name(0), "a");
  EXPECT_EQ(set->body_name(2), "c");
  MatchedIds matched;
  set->anchored_bodies().FindIn(std::vector<uint8_t>{1, 2}, 7, 0, matched);
  EXPECT_THAT(matched.ids(), testing::ElementsAre(2U));
}

TEST(SignatureSetTest, KeepsAnchoredSignaturesOutOfTheDatabase) {
  const auto set = Compile({{"a", {1, 2}, 0}}, {});
  EXPECT_EQ(set->body_database(), nullptr);
  EXPECT_FALSE(set->anchored_bodies().empty());
}

TEST(SignatureSetTest, EverySetIsANewGeneration) {
  const auto first = Compile({}, {});
  const auto second = Compile({}, {});
  EXPECT_GT(first->generation(), 0U);
  EXPECT_GT(second->generation(), first->generation());
}

TEST(SignatureSetTest, CompilesDuplicatesAndEveryByteValue) {
  std::vector<BodySignature> bodies;
  for (int byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<uint8_t>(byte);
    bodies.push_back({"same", {value, value, 0}, kAnyOffset});
    bodies.push_back({"same", {0, value}, kAnyOffset});
  }
  EXPECT_EQ(Compile(std::move(bodies), {})->body_count(), 512U);
}

TEST(SignatureSetTest, CompilesTheLongestLiteral) {
  const std::vector<uint8_t> longest(kLiteralBytesMax, 0x5c);
  EXPECT_NE(Compile({{"a", longest, kAnyOffset}}, {})->body_database(),
            nullptr);
}

TEST(SignatureSetTest, NamesTheSignatureItRefuses) {
  const std::vector<uint8_t> too_long(kLiteralBytesMax + 1, 1);
  const BodySignature refused[] = {
      {"bad\n", {1}, kAnyOffset},
      {"bad\n", too_long, kAnyOffset},
      {"bad\n", {1, 2}, kOffsetMax + 1},
  };
  for (const BodySignature& body : refused) {
    const auto set = SignatureSet::Compile({{"a", {1, 2}, 0}, body}, {});
    ASSERT_FALSE(set.has_value());
    EXPECT_EQ(set.error().code, ErrorCode::kInvalidInput);
    EXPECT_THAT(set.error().message, HasSubstr("'bad\\n'"));
  }
}

TEST(SignatureSetTest, RefusesABodyWithoutAName) {
  EXPECT_FALSE(SignatureSet::Compile({{"", {1, 2}, 0}}, {}).has_value());
}

TEST(SignatureSetTest, AsksOnlyForDigestsOfThatSize) {
  const auto set =
      Compile({}, {Hash("a", DigestAlgorithm::kMd5, 1, 10),
                   Hash("b", DigestAlgorithm::kSha256, 2, 10),
                   Hash("c", DigestAlgorithm::kSha1, 3, uint64_t{5} << 20)});
  EXPECT_EQ(set->DigestsFor(10), (DigestNeeds{true, false, true}));
  EXPECT_EQ(set->DigestsFor(11), DigestNeeds{});
  EXPECT_EQ(set->DigestsFor(uint64_t{5} << 20),
            (DigestNeeds{false, true, false}));
  EXPECT_EQ(set->DigestsFor((uint64_t{5} << 20) + 1), DigestNeeds{});
  EXPECT_EQ(set->digest_algorithms(), (DigestNeeds{true, true, true}));
}

TEST(SignatureSetTest, ASignatureForAnySizeAsksForItsDigestAlways) {
  const auto set = Compile({}, {Hash("a", DigestAlgorithm::kSha1, 1, kAnySize),
                                Hash("b", DigestAlgorithm::kMd5, 2, 10)});
  EXPECT_EQ(set->DigestsFor(0), (DigestNeeds{false, true, false}));
  EXPECT_EQ(set->DigestsFor(10), (DigestNeeds{true, true, false}));
}

TEST(SignatureSetTest, FindsADigestOnlyWithItsSizeAndAlgorithm) {
  const auto set = Compile({}, {Hash("a", DigestAlgorithm::kMd5, 1, 10)});
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 1, 10), "a");
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 1, 11), "");
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 2, 10), "");
  EXPECT_EQ(Find(*set, DigestAlgorithm::kSha1, 1, 10), "");
}

TEST(SignatureSetTest, ReturnsTheSmallestNameOfADigest) {
  const auto set = Compile({}, {Hash("c", DigestAlgorithm::kMd5, 1, 10),
                                Hash("b", DigestAlgorithm::kMd5, 1, 10),
                                Hash("a", DigestAlgorithm::kMd5, 1, kAnySize)});
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 1, 10), "a");
  EXPECT_EQ(Find(*set, DigestAlgorithm::kMd5, 1, 99), "a");
  EXPECT_EQ(set->hash_count(), 3U);
}

}  // namespace
}  // namespace gatehouse
