#include "signatures/hash_store.h"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace gatehouse {
namespace {

size_t IndexOf(DigestAlgorithm algorithm) {
  return static_cast<size_t>(algorithm);
}

bool Before(const HashSignature& a, const HashSignature& b) {
  return std::tie(a.algorithm, a.size, a.digest, a.name) <
         std::tie(b.algorithm, b.size, b.digest, b.name);
}

}  // namespace

HashStore::HashStore(std::vector<HashSignature> signatures)
    : signatures_(std::move(signatures)) {
  std::sort(signatures_.begin(), signatures_.end(), Before);
  for (const HashSignature& signature : signatures_) {
    const size_t index = IndexOf(signature.algorithm);
    if (signature.size == kAnySize) {
      any_size_needs_.at(index) = true;
    } else {
      SizeNeeds needs{signature.size, {}};
      needs.needs.at(index) = true;
      sizes_.push_back(needs);
    }
  }
  std::stable_sort(
      sizes_.begin(), sizes_.end(),
      [](const SizeNeeds& a, const SizeNeeds& b) { return a.size < b.size; });
  // Merges the entries of one size into its first.
  size_t kept = 0;
  for (const SizeNeeds& entry : sizes_) {
    if (kept == 0 || sizes_[kept - 1].size != entry.size) {
      sizes_[kept++] = entry;
      if (entry.size < kSmallSizes) small_sizes_.set(entry.size);
    } else {
      for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
        sizes_[kept - 1].needs.at(i) |= entry.needs.at(i);
      }
    }
  }
  sizes_.resize(kept);
  sizes_.shrink_to_fit();
}

DigestNeeds HashStore::algorithms() const {
  DigestNeeds needs = any_size_needs_;
  for (const SizeNeeds& entry : sizes_) {
    for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
      needs.at(i) |= entry.needs.at(i);
    }
  }
  return needs;
}

DigestNeeds HashStore::NeedsFor(uint64_t size) const {
  if (size < kSmallSizes && !small_sizes_.test(size)) return any_size_needs_;
  const auto found = std::lower_bound(
      sizes_.begin(), sizes_.end(), size,
      [](const SizeNeeds& entry, uint64_t s) { return entry.size < s; });
  DigestNeeds needs = any_size_needs_;
  if (found == sizes_.end() || found->size != size) return needs;
  for (size_t i = 0; i < kDigestAlgorithmCount; ++i) {
    needs.at(i) |= found->needs.at(i);
  }
  return needs;
}

std::vector<std::string_view> HashStore::Find(DigestAlgorithm algorithm,
                                              ByteView digest,
                                              uint64_t size) const {
  assert(digest.size() == DigestBytes(algorithm));
  assert(size != kAnySize);
  std::vector<std::string_view> names;
  AddOfSize(algorithm, digest, size, names);
  AddOfSize(algorithm, digest, kAnySize, names);
  return names;
}

void HashStore::AddOfSize(DigestAlgorithm algorithm, ByteView digest,
                          uint64_t size,
                          std::vector<std::string_view>& names) const {
  HashSignature wanted;  // Its empty name sorts before every real one.
  wanted.algorithm = algorithm;
  wanted.size = size;
  std::copy(digest.begin(), digest.end(), wanted.digest.begin());
  auto found =
      std::lower_bound(signatures_.begin(), signatures_.end(), wanted, Before);
  for (; found != signatures_.end() && found->algorithm == algorithm &&
         found->size == size && found->digest == wanted.digest;
       ++found) {
    names.emplace_back(found->name);
  }
}

}  // namespace gatehouse
