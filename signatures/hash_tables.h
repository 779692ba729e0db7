// HashTables: all digests of one kind as flat tables, ready to be looked up.
//
// As with signature_tables.h: one buffer holds a head and the tables, arrays of
// plain records. What is compiled is what a file would hold, and opening it is
// a look at every record. Nothing is copied.
//
// Thread-compatible. A HashTables borrows its buffer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "signatures/hash_signature.h"

namespace gatehouse {

// Records are made to be written, byte for byte: whoever changes one raises
// kHashTablesVersion.
inline constexpr uint32_t kHashTablesVersion = 1;

// Below this size a bitmap tells which sizes occur.
inline constexpr uint64_t kSmallSizes = uint64_t{1} << 20;

// A digest is filled up with zeros to whole words, so that no byte of a record
// is left to chance: 32, 40 and 48 bytes.
template <size_t kDigestBytes>
struct HashRecord {
  uint64_t size = kAnySize;
  std::array<uint8_t, (kDigestBytes + 7) / 8 * 8> digest = {};
  uint32_t name_begin = 0;  // In HashTables::names.
  uint32_t name_size = 0;
};
using Md5Record = HashRecord<DigestBytes(DigestAlgorithm::kMd5)>;
using Sha1Record = HashRecord<DigestBytes(DigestAlgorithm::kSha1)>;
using Sha256Record = HashRecord<DigestBytes(DigestAlgorithm::kSha256)>;
static_assert(sizeof(Md5Record) == 32);
static_assert(sizeof(Sha1Record) == 40);
static_assert(sizeof(Sha256Record) == 48);

// Records are in order of size, digest and name; those of any size come last.
struct HashTables {
  std::span<const Md5Record> md5;
  std::span<const Sha1Record> sha1;
  std::span<const Sha256Record> sha256;
  // A bit for each size below kSmallSizes; empty if there is none of them.
  std::span<const uint64_t> small_sizes;
  std::span<const uint8_t> names;  // Each name once, one after the other.

  [[nodiscard]] std::string_view Name(uint32_t begin, uint32_t size) const {
    return AsText(names.subspan(begin, size));
  }
};

// The buffer of all tables. Errors: kLimitExceeded when the names take more
// than 4 GiB.
Result<std::vector<uint64_t>> PackHashes(std::vector<HashSignature> signatures);

// Views into `buffer`, which must outlive them, after a look at every record.
// Errors: kInvalidInput, with the table that is wrong.
Result<HashTables> OpenHashes(std::span<const uint64_t> buffer);

}  // namespace gatehouse
