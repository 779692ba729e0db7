// HashStore: which digests of which file sizes are malicious.
//
// Thread-safe after construction: immutable. Owns its signatures.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "signatures/hash_signature.h"

namespace gatehouse {

class HashStore {
 public:
  HashStore() = default;
  explicit HashStore(std::vector<HashSignature> signatures);

  size_t count() const { return signatures_.size(); }
  // Algorithms that occur at all.
  DigestNeeds algorithms() const;
  // Algorithms that occur with this file size, or with any size. Asked for
  // every file: a bitmap answers for nearly all small ones.
  DigestNeeds NeedsFor(uint64_t size) const;
  // The names of the signatures of that digest that have this size or any
  // size. Allocates only when there are some.
  std::vector<std::string_view> Find(DigestAlgorithm algorithm, ByteView digest,
                                     uint64_t size) const;

 private:
  struct SizeNeeds {
    uint64_t size = 0;
    DigestNeeds needs = {};
  };
  static constexpr size_t kSmallSizes = size_t{1} << 20;

  void AddOfSize(DigestAlgorithm algorithm, ByteView digest, uint64_t size,
                 std::vector<std::string_view>& names) const;

  std::vector<HashSignature> signatures_;  // By algorithm, size, digest, name.
  std::vector<SizeNeeds> sizes_;           // By size, without kAnySize.
  DigestNeeds any_size_needs_ = {};
  std::bitset<kSmallSizes> small_sizes_;  // Sizes that occur in sizes_.
};

}  // namespace gatehouse
