// HashStore: the names of digests, by the size of what they are of.
//
// Thread-safe after construction: immutable. Owns its tables.
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
  // Errors: those of PackHashes.
  static Result<HashStore> Compile(std::vector<HashSignature> signatures);
  // What buffer() was, of this process or another. Errors: those of OpenHashes.
  static Result<HashStore> Open(std::vector<uint64_t> buffer);
  HashStore(HashStore&&) noexcept = default;
  HashStore& operator=(HashStore&&) noexcept = default;
  HashStore(const HashStore&) = delete;
  HashStore& operator=(const HashStore&) = delete;
  ~HashStore() = default;

  size_t count() const;
  bool empty() const { return count() == 0; }
  // All of it; empty of a store that was not compiled.
  std::span<const uint64_t> buffer() const { return buffer_; }
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

  std::vector<uint64_t> buffer_;  // What tables_ shows.
  HashTables tables_;
  DigestNeeds any_size_needs_ = {};
};

}  // namespace gatehouse
