// Tables of plain records, one after the other in one buffer of words.
//
// The head is a word with version and number of tables, then for each table its
// place (in words from the start of the buffer) and its number of records. What
// is written here is what lies on disk; reading it back is a look at the head,
// and copies nothing. What records say about each other is the caller's to
// check.
//
// A set of tables is two structs with the same members, one of vectors and one
// of spans, and a visitor that calls `visit` for each member in order: one for
// both, so that writer and reader cannot disagree.
//
// Thread-safe: pure functions. The views borrow the buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace gatehouse {

namespace table_buffer {

inline constexpr size_t kWordBytes = sizeof(uint64_t);

template <class Tables, class VisitTables>
size_t CountTables(const VisitTables& visit_tables) {
  Tables tables;
  size_t count = 0;
  visit_tables(tables, [&count](const auto& /*table*/) { ++count; });
  return count;
}

inline size_t HeadWords(size_t tables) { return 1 + 2 * tables; }

inline uint64_t HeadWord(uint32_t version, size_t tables) {
  return uint64_t{version} << 32U | tables;
}

template <class Record>
size_t WordsOf(const std::vector<Record>& records) {
  return (records.size() * sizeof(Record) + kWordBytes - 1) / kWordBytes;
}

}  // namespace table_buffer

// The buffer of all of `tables`, aligned for every record.
template <class Vectors, class VisitTables>
[[nodiscard]] std::vector<uint64_t> PackTableBuffer(
    uint32_t version, const Vectors& tables, const VisitTables& visit_tables) {
  using table_buffer::WordsOf;
  const size_t count = table_buffer::CountTables<Vectors>(visit_tables);
  size_t words = table_buffer::HeadWords(count);
  visit_tables(tables, [&](const auto& records) { words += WordsOf(records); });
  std::vector<uint64_t> buffer(words);
  buffer[0] = table_buffer::HeadWord(version, count);
  size_t head = 1;
  size_t begin = table_buffer::HeadWords(count);
  visit_tables(tables, [&](const auto& records) {
    using Record = typename std::decay_t<decltype(records)>::value_type;
    static_assert(std::is_trivially_copyable_v<Record>);
    static_assert(alignof(Record) <= table_buffer::kWordBytes);
    // Else a byte between two members would be left to chance.
    static_assert(std::has_unique_object_representations_v<Record>);
    buffer[head++] = begin;
    buffer[head++] = records.size();
    if (records.empty()) return;
    std::memcpy(&buffer[begin], records.data(),
                records.size() * sizeof(Record));
    begin += WordsOf(records);
  });
  return buffer;
}

// Points the members of `tables` into `buffer`. Errors: kInvalidInput, which
// begins with `what`.
template <class Spans, class VisitTables>
Result<bool> ViewTableBuffer(uint32_t version, const char* what,
                             std::span<const uint64_t> buffer, Spans& tables,
                             const VisitTables& visit_tables) {
  const size_t count = table_buffer::CountTables<Spans>(visit_tables);
  if (buffer.size() < table_buffer::HeadWords(count) ||
      buffer[0] != table_buffer::HeadWord(version, count)) {
    return Fail(ErrorCode::kInvalidInput,
                std::string(what) + ": another version");
  }
  size_t head = 1;
  bool is_whole = true;
  visit_tables(tables, [&](auto& view) {
    using Record = typename std::remove_reference_t<decltype(view)>::value_type;
    const uint64_t begin = buffer[head++];
    const uint64_t records = buffer[head++];
    if (begin > buffer.size() || records > (buffer.size() - begin) *
                                               table_buffer::kWordBytes /
                                               sizeof(Record)) {
      is_whole = false;
      return;
    }
    // The buffer was written from these records, and is aligned for them.
    view = {static_cast<const Record*>(
                static_cast<const void*>(buffer.data() + begin)),
            static_cast<size_t>(records)};
  });
  if (is_whole) return true;
  return Fail(ErrorCode::kInvalidInput, std::string(what) + ": cut off");
}

}  // namespace gatehouse
