#include "signatures/hash_store.h"

#include <algorithm>
#include <cassert>

namespace gatehouse {
namespace {

template <size_t kDigestBytes>
bool Includes(std::span<const HashRecord<kDigestBytes>> records,
              uint64_t size) {
  const auto found = std::lower_bound(
      records.begin(), records.end(), size,
      [](const auto& record, uint64_t wanted) { return record.size < wanted; });
  return found != records.end() && found->size == size;
}

template <size_t kDigestBytes>
void AddNames(const HashTables& tables,
              std::span<const HashRecord<kDigestBytes>> records,
              ByteView digest, uint64_t size,
              std::vector<std::string_view>& names) {
  using Record = HashRecord<kDigestBytes>;
  Record wanted;
  wanted.size = size;
  std::copy(digest.begin(), digest.end(), wanted.digest.begin());
  const auto is_before = [](const Record& a, const Record& b) {
    return a.size != b.size ? a.size < b.size : a.digest < b.digest;
  };
  auto found =
      std::lower_bound(records.begin(), records.end(), wanted, is_before);
  for (; found != records.end() && found->size == size &&
         found->digest == wanted.digest;
       ++found) {
    names.push_back(tables.Name(found->name_begin, found->name_size));
  }
}

}  // namespace

Result<HashStore> HashStore::Open(std::span<const uint64_t> buffer) {
  const Result<HashTables> tables = OpenHashes(buffer);
  if (!tables) return Unexpected(tables.error());
  HashStore store;
  store.tables_ = *tables;
  store.any_size_needs_ = store.NeedsOf(kAnySize);
  return store;
}

size_t HashStore::count() const {
  return tables_.md5.size() + tables_.sha1.size() + tables_.sha256.size();
}

DigestNeeds HashStore::algorithms() const {
  return {!tables_.md5.empty(), !tables_.sha1.empty(), !tables_.sha256.empty()};
}

DigestNeeds HashStore::NeedsOf(uint64_t size) const {
  return {Includes(tables_.md5, size), Includes(tables_.sha1, size),
          Includes(tables_.sha256, size)};
}

DigestNeeds HashStore::NeedsFor(uint64_t size) const {
  constexpr uint64_t kBitsPerWord = 64;
  const std::span<const uint64_t> small = tables_.small_sizes;
  if (size < kSmallSizes &&
      (small.empty() ||
       (small[size / kBitsPerWord] >> size % kBitsPerWord & 1U) == 0)) {
    return any_size_needs_;
  }
  DigestNeeds needs = NeedsOf(size);
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    needs.at(i) |= any_size_needs_.at(i);
  }
  return needs;
}

std::vector<std::string_view> HashStore::Find(DigestAlgorithm algorithm,
                                              ByteView digest,
                                              uint64_t size) const {
  assert(digest.size() == DigestBytes(algorithm));
  assert(size != kAnySize);
  std::vector<std::string_view> names;
  for (const uint64_t listed : {size, kAnySize}) {
    switch (algorithm) {
      case DigestAlgorithm::kMd5:
        AddNames(tables_, tables_.md5, digest, listed, names);
        break;
      case DigestAlgorithm::kSha1:
        AddNames(tables_, tables_.sha1, digest, listed, names);
        break;
      case DigestAlgorithm::kSha256:
        AddNames(tables_, tables_.sha256, digest, listed, names);
        break;
    }
  }
  return names;
}

}  // namespace gatehouse
