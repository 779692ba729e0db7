#include "signatures/hash_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

HashSignature Hash(std::string name, DigestAlgorithm algorithm, uint8_t first,
                   uint64_t size) {
  HashSignature signature;
  signature.name = std::move(name);
  signature.algorithm = algorithm;
  signature.digest[0] = first;
  signature.digest[DigestBytes(algorithm) - 1] = first;
  signature.size = size;
  return signature;
}

ByteView DigestOf(const HashSignature& signature) {
  return ByteView(signature.digest).first(DigestBytes(signature.algorithm));
}

// A store with the buffer that it shows.
class OwnStore {
 public:
  explicit OwnStore(std::vector<HashSignature> signatures)
      : buffer_(PackHashes(std::move(signatures)).value()),
        store_(HashStore::Open(buffer_).value()) {}
  OwnStore(const OwnStore&) = delete;
  OwnStore& operator=(const OwnStore&) = delete;

  const HashStore& operator*() const { return store_; }
  const HashStore* operator->() const { return &store_; }

 private:
  const std::vector<uint64_t> buffer_;
  const HashStore store_;
};

std::vector<HashSignature> OneOfEach() {
  return {Hash("m", DigestAlgorithm::kMd5, 1, 10),
          Hash("s", DigestAlgorithm::kSha1, 2, kSmallSizes),
          Hash("t", DigestAlgorithm::kSha256, 3, kAnySize)};
}

TEST(HashStoreTest, AnEmptyStoreKnowsAndNeedsNothing) {
  const OwnStore packed({});
  for (const HashStore& store : {HashStore(), *packed}) {
    EXPECT_TRUE(store.empty());
    EXPECT_EQ(store.algorithms(), DigestNeeds{});
    EXPECT_EQ(store.NeedsFor(0), DigestNeeds{});
    EXPECT_EQ(store.NeedsFor(uint64_t{1} << 40), DigestNeeds{});
    const HashSignature any = Hash("", DigestAlgorithm::kMd5, 0, 1);
    EXPECT_THAT(store.Find(any.algorithm, DigestOf(any), 1), IsEmpty());
  }
}

TEST(HashStoreTest, FindsEachKind) {
  const std::vector<HashSignature> signatures = OneOfEach();
  const OwnStore store(signatures);
  EXPECT_EQ(store->count(), 3U);
  EXPECT_EQ(store->algorithms(), (DigestNeeds{true, true, true}));
  for (const HashSignature& signature : signatures) {
    const uint64_t size = signature.size == kAnySize ? 7 : signature.size;
    EXPECT_THAT(store->Find(signature.algorithm, DigestOf(signature), size),
                ElementsAre(signature.name));
  }
}

TEST(HashStoreTest, TellsNeighbouringSizesApartOnBothSidesOfTheBitmapsEnd) {
  for (const uint64_t size :
       {uint64_t{1}, uint64_t{63}, uint64_t{64}, kSmallSizes - 1, kSmallSizes,
        uint64_t{0xfffffffe}}) {
    const OwnStore store({Hash("a", DigestAlgorithm::kSha256, 1, size)});
    EXPECT_EQ(store->NeedsFor(size), (DigestNeeds{false, false, true})) << size;
    EXPECT_EQ(store->NeedsFor(size - 1), DigestNeeds{}) << size;
    EXPECT_EQ(store->NeedsFor(size + 1), DigestNeeds{}) << size;
  }
}

TEST(HashStoreTest, GivesEveryNameOfADigestThoseOfItsSizeFirst) {
  const OwnStore store({Hash("d", DigestAlgorithm::kSha1, 1, 10),
                        Hash("b", DigestAlgorithm::kSha1, 1, 10),
                        Hash("a", DigestAlgorithm::kSha1, 1, kAnySize),
                        Hash("c", DigestAlgorithm::kSha1, 1, 11)});
  const HashSignature wanted = Hash("", DigestAlgorithm::kSha1, 1, 10);
  EXPECT_THAT(store->Find(wanted.algorithm, DigestOf(wanted), 10),
              ElementsAre("b", "d", "a"));
}

TEST(HashStoreTest, OpensWhatAnotherStoreWas) {
  const std::vector<HashSignature> signatures = OneOfEach();
  const std::vector<uint64_t> first = PackHashes(signatures).value();
  const std::vector<uint64_t> buffer = first;
  const HashStore second = HashStore::Open(buffer).value();
  EXPECT_EQ(second.count(), 3U);
  EXPECT_EQ(second.NeedsFor(10), (DigestNeeds{true, false, true}));
  EXPECT_THAT(second.Find(DigestAlgorithm::kMd5, DigestOf(signatures[0]), 10),
              ElementsAre("m"));
}

TEST(HashStoreTest, KeepsANameOnce) {
  std::vector<HashSignature> signatures;
  for (uint8_t i = 0; i < 100; ++i) {
    signatures.push_back(Hash("Family", DigestAlgorithm::kMd5, i, kSmallSizes));
  }
  const std::vector<uint64_t> buffer =
      PackHashes(std::move(signatures)).value();
  const HashTables tables = OpenHashes(buffer).value();
  EXPECT_EQ(AsText(tables.names), "Family");
  EXPECT_THAT(tables.small_sizes, IsEmpty());
  EXPECT_LT(buffer.size() * 8, 100 * 32 + 100);
}

TEST(HashStoreTest, AgreesWithALinearSearch) {
  std::mt19937_64 chance(20261126);
  std::vector<HashSignature> signatures;
  for (int i = 0; i < 2000; ++i) {
    const uint64_t size =
        chance() % 8 == 0 ? kAnySize : (chance() % 40) * (kSmallSizes / 20);
    signatures.push_back(Hash("n" + std::to_string(chance() % 500),
                              static_cast<DigestAlgorithm>(chance() % 3),
                              static_cast<uint8_t>(chance() % 16), size));
  }
  const OwnStore store(signatures);
  for (int i = 0; i < 5000; ++i) {
    const HashSignature wanted =
        Hash("", static_cast<DigestAlgorithm>(chance() % 3),
             static_cast<uint8_t>(chance() % 17),
             (chance() % 41) * (kSmallSizes / 20));
    std::vector<std::string_view> expected;
    for (const HashSignature& signature : signatures) {
      if (signature.algorithm == wanted.algorithm &&
          signature.digest == wanted.digest &&
          (signature.size == wanted.size || signature.size == kAnySize)) {
        expected.emplace_back(signature.name);
      }
    }
    EXPECT_THAT(store->Find(wanted.algorithm, DigestOf(wanted), wanted.size),
                testing::UnorderedElementsAreArray(expected));
  }
}

TEST(HashStoreTest, ABufferThatIsCutOrOfAnotherVersionDoesNotOpen) {
  const std::vector<uint64_t> buffer = PackHashes(OneOfEach()).value();
  ASSERT_TRUE(OpenHashes(buffer));
  const std::span<const uint64_t> all(buffer);
  EXPECT_FALSE(OpenHashes({}));
  EXPECT_FALSE(OpenHashes(all.first(5)));
  EXPECT_FALSE(OpenHashes(all.first(all.size() - 1)));
  std::vector<uint64_t> newer = buffer;
  newer[0] += uint64_t{1} << 32U;
  EXPECT_FALSE(OpenHashes(newer));
}

TEST(HashStoreTest, NamesTheTableThatIsWrong) {
  const std::vector<uint64_t> buffer = PackHashes(OneOfEach()).value();
  const size_t md5 = buffer[1];
  const size_t small_sizes = buffer[7];
  std::vector<uint64_t> changed = buffer;
  changed[md5 + 3] += 1000;  // Where its name begins.
  EXPECT_THAT(OpenHashes(changed).error().message, testing::EndsWith("MD5"));
  changed = buffer;
  changed[small_sizes] = 0;
  EXPECT_THAT(OpenHashes(changed).error().message, testing::EndsWith("sizes"));
  changed = buffer;
  changed[buffer[3] + 3] |= uint64_t{1} << 63U;  // What fills up the digest.
  EXPECT_THAT(OpenHashes(changed).error().message, testing::EndsWith("SHA-1"));
  changed =
      PackHashes({Hash("a", DigestAlgorithm::kSha256, 1, kSmallSizes),
                  Hash("b", DigestAlgorithm::kSha256, 1, kSmallSizes + 1)})
          .value();
  std::swap(changed[changed[5]], changed[changed[5] + 6]);  // Their sizes.
  EXPECT_THAT(OpenHashes(changed).error().message,
              testing::EndsWith("SHA-256"));
}

// Whether it opens; then every name can be looked at.
bool OpensWithNames(std::span<const uint64_t> buffer) {
  const Result<HashTables> tables = OpenHashes(buffer);
  if (!tables) return false;
  for (const Md5Record& record : tables->md5) {
    EXPECT_EQ(tables->Name(record.name_begin, record.name_size).size(),
              record.name_size);
  }
  return true;
}

// Run with sanitizers: what opens can be asked.
TEST(HashStoreTest, WhatOpensAfterAChangeCanBeSearched) {
  std::vector<HashSignature> signatures = OneOfEach();
  for (HashSignature& signature : signatures) signature.size = kSmallSizes;
  std::vector<uint64_t> buffer = PackHashes(signatures).value();
  size_t opened = 0;
  for (size_t bit = 0; bit < 64 * buffer.size(); ++bit) {
    uint64_t& word = buffer[bit / 64];
    word ^= uint64_t{1} << bit % 64;
    if (OpensWithNames(buffer)) ++opened;
    word ^= uint64_t{1} << bit % 64;
  }
  EXPECT_GT(opened, 0U);
  EXPECT_LT(opened, 64 * buffer.size());
}

}  // namespace
}  // namespace gatehouse
