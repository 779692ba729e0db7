// TableWriter: signatures as flat tables.
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "signatures/signature.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

// A place in a table.
[[nodiscard]] inline uint32_t TableIndex(size_t index) {
  return static_cast<uint32_t>(index);
}

// Equal offsets, gates, logic and patterns share a place.
class TableWriter {
 public:
  TableWriter();

  // False: a table is full.
  [[nodiscard]] bool Add(const Signature& signature);
  // The same bytes share a place. What was given is only right as long as no
  // table is full.
  ByteRange AddCode(ByteView code);
  [[nodiscard]] bool is_full() const;
  TableVectors& tables() { return tables_; }

 private:
  ByteRange AddBytes(std::string_view text);
  AtomRecord AtomOf(const Atom& atom);
  AtomRecord PatternOf(const PatternAtom& pattern);
  AtomRecord RegexOf(const RegexAtom& regex);
  AtomRecord CompareOf(const ByteCompareAtom& compare);
  uint32_t OffsetIndex(const PatternOffset& offset);
  uint16_t GatesIndex(const Gates& gates);
  uint32_t LogicIndex(const Logic& logic);

  TableVectors tables_;
  std::map<std::tuple<OffsetBase, uint32_t, int64_t, uint64_t>, uint32_t>
      offsets_;
  std::vector<Gates> gates_ = {Gates()};
  std::unordered_multimap<size_t, ByteRange> codes_;  // By hash.
  std::map<std::vector<uint64_t>, uint32_t> logics_;
};

}  // namespace gatehouse
