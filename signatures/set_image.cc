#include "signatures/set_image.h"

#include <algorithm>
#include <cstddef>

#include "signatures/table_buffer.h"

namespace gatehouse {
namespace {

constexpr auto kVisitTables = [](auto& tables, const auto& visit) {
  visit(tables.bodies);
  visit(tables.hashes);
  visit(tables.section_hashes);
  visit(tables.import_hashes);
  visit(tables.allowed_hashes);
  visit(tables.magics);
  visit(tables.magic_codes);
  visit(tables.notes);
  visit(tables.prices);
  visit(tables.grams);
  visit(tables.gram_words);
  visit(tables.databases);
  visit(tables.database_bytes);
};

}  // namespace

void SetImageVectors::AddTriggers(std::span<const uint64_t> grams_of_shard,
                                  ByteView database) {
  grams.push_back({gram_words.size(), grams_of_shard.size()});
  gram_words.insert(gram_words.end(), grams_of_shard.begin(),
                    grams_of_shard.end());
  databases.push_back({database_bytes.size(), database.size()});
  database_bytes.insert(database_bytes.end(), database.begin(), database.end());
}

std::vector<uint64_t> PackSetImage(const SetImageVectors& parts) {
  return PackTableBuffer(kSetImageVersion, parts, kVisitTables);
}

Result<SetImage> ViewSetImage(std::span<const uint64_t> buffer) {
  SetImage image;
  const Result<bool> viewed = ViewTableBuffer(kSetImageVersion, "signature set",
                                              buffer, image, kVisitTables);
  if (!viewed) return Unexpected(viewed.error());
  const size_t bytes = image.database_bytes.size();
  const auto is_within = [bytes](const DatabaseRecord& record) {
    return record.begin <= bytes && record.size <= bytes - record.begin;
  };
  if (!std::all_of(image.databases.begin(), image.databases.end(), is_within)) {
    return Fail(ErrorCode::kInvalidInput, "signature set: wrong database");
  }
  const size_t words = image.gram_words.size();
  const auto are_within = [words](const GramRecord& record) {
    return record.begin <= words && record.size <= words - record.begin;
  };
  if (!std::all_of(image.grams.begin(), image.grams.end(), are_within)) {
    return Fail(ErrorCode::kInvalidInput, "signature set: wrong filter");
  }
  return image;
}

size_t WordsWithoutDatabases(const SetImage& image,
                             std::span<const uint64_t> buffer) {
  // Whoever tampered with the head may have put anything anywhere: then all
  // of it stays.
  const auto* const words = static_cast<const uint64_t*>(
      static_cast<const void*>(image.database_bytes.data()));
  const size_t kept = static_cast<size_t>(words - buffer.data());
  const auto ends_before = [&](const auto& table) {
    const auto bytes = std::as_bytes(table);
    return bytes.data() + bytes.size() <=
           std::as_bytes(buffer).data() + kept * sizeof(uint64_t);
  };
  bool is_last = true;
  kVisitTables(image, [&](const auto& table) {
    if (std::as_bytes(table).data() ==
        std::as_bytes(image.database_bytes).data()) {
      return;
    }
    is_last = is_last && ends_before(table);
  });
  return is_last ? kept : buffer.size();
}

}  // namespace gatehouse
