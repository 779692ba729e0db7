// The image of a signature set: everything that was compiled, in one buffer.
//
// This is what a compiling process hands over and what an artefact holds: the
// tables of bodies and hashes and the filters of grams as they are used,
// Hyperscan's databases as it serialises them, and notes that only the set's
// maker reads. The databases
// come last, because they are of no use once they have been taken out.
//
// Thread-safe: pure functions. A SetImage borrows its buffer.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "signatures/magic_table.h"

namespace gatehouse {

// Records are on disk, byte for byte: whoever changes one raises
// kSetImageVersion.
inline constexpr uint32_t kSetImageVersion = 3;

struct GramRecord {  // In SetImage::gram_words.
  uint64_t begin = 0;
  uint64_t size = 0;  // 0: there is none.
};

struct PriceRecord {
  uint32_t signature = 0;  // Of the bodies.
  uint32_t route = 0;      // A PriceRoute.
  uint64_t millionths = 0;
};

struct DatabaseRecord {  // In SetImage::database_bytes.
  uint64_t begin = 0;
  uint64_t size = 0;  // 0: there is none.
};

struct SetImage {
  std::span<const uint64_t> bodies;  // For OpenTables.
  std::span<const uint64_t> hashes;  // For OpenHashes, as the next three.
  std::span<const uint64_t> section_hashes;
  std::span<const uint64_t> import_hashes;
  std::span<const uint64_t> allowed_hashes;
  std::span<const MagicRecord> magics;  // For OpenMagics.
  std::span<const uint8_t> magic_codes;
  std::span<const uint8_t> notes;
  std::span<const PriceRecord> prices;
  std::span<const GramRecord> grams;  // By shard.
  std::span<const uint64_t> gram_words;
  std::span<const DatabaseRecord> databases;  // By shard.
  std::span<const uint8_t> database_bytes;

  [[nodiscard]] std::span<const uint64_t> Grams(
      const GramRecord& record) const {
    return gram_words.subspan(record.begin, record.size);
  }
  [[nodiscard]] ByteView Database(const DatabaseRecord& record) const {
    return database_bytes.subspan(record.begin, record.size);
  }
};

struct SetImageVectors {
  std::vector<uint64_t> bodies;
  std::vector<uint64_t> hashes;
  std::vector<uint64_t> section_hashes;
  std::vector<uint64_t> import_hashes;
  std::vector<uint64_t> allowed_hashes;
  std::vector<MagicRecord> magics;
  std::vector<uint8_t> magic_codes;
  std::vector<uint8_t> notes;
  std::vector<PriceRecord> prices;
  std::vector<GramRecord> grams;
  std::vector<uint64_t> gram_words;
  std::vector<DatabaseRecord> databases;
  std::vector<uint8_t> database_bytes;

  // Of the next shard.
  void AddTriggers(std::span<const uint64_t> grams_of_shard, ByteView database);
};

[[nodiscard]] std::vector<uint64_t> PackSetImage(const SetImageVectors& parts);

// Views into `buffer`, which must outlive them. Whether filters and databases
// lie within is checked, the tables are not. Errors: kInvalidInput.
Result<SetImage> ViewSetImage(std::span<const uint64_t> buffer);

// How many words of the buffer are still needed without the databases.
[[nodiscard]] size_t WordsWithoutDatabases(const SetImage& image,
                                           std::span<const uint64_t> buffer);

}  // namespace gatehouse
