// HashStore: the names of digests, by the size of what they are of.
//
// Thread-safe after construction: immutable. Borrows its tables.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "signatures/hash_signature.h"
#include "signatures/hash_tables.h"

namespace gatehouse {

class HashStore {
 public:
  HashStore() = default;  // Knows no digest.
  // What PackHashes made, in this process or another; must outlive the store.
  // Errors: those of OpenHashes.
  static Result<HashStore> Open(std::span<const uint64_t> buffer);

  size_t count() const;
  bool empty() const { return count() == 0; }
  // Algorithms that occur at all.
  DigestNeeds algorithms() const;
  // Algorithms that occur with this size, or with any size. Asked for every
  // file: a bitmap answers for nearly all small ones.
  DigestNeeds NeedsFor(uint64_t size) const;
  // The names of the signatures of that digest that have this size or any
  // size. Allocates only when there are some.
  std::vector<std::string_view> Find(DigestAlgorithm algorithm, ByteView digest,
                                     uint64_t size) const;

 private:
  DigestNeeds NeedsOf(uint64_t size) const;

  HashTables tables_;
  DigestNeeds any_size_needs_ = {};
};

}  // namespace gatehouse
