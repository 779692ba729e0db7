// GramScan: finds the literals of a GramFilter in a block of bytes.
//
// One thread at a time; keeps its memory from block to block.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "engine/matching/gram_blocks.h"
#include "signatures/gram_filter.h"

namespace gatehouse {

class GramScan {
 public:
  explicit GramScan(const GramBlocks& blocks = FastestGramBlocks());

  // Calls report(trigger, begin, end) for each place of each literal in
  // `bytes`, in no order. `end` is behind its last byte.
  template <class Report>
  void Scan(const GramFilter& filter, ByteView bytes, Report report);

 private:
  template <class Report>
  void Confirm(const GramFilter& filter, const GramLane& lane, ByteView bytes,
               size_t from, size_t count, Report& report);
  template <class Report>
  static void CompareMatch(const GramFilter& filter, const GramMatch& match,
                           ByteView bytes, size_t at, Report& report);
  template <class Report>
  void ScanPairs(const GramFilter& filter, ByteView bytes, Report& report);
  template <class Report>
  static void Compare(const GramLiteral& literal, ByteView bytes, size_t begin,
                      Report& report);
  template <class Report>
  void ScanGrams(const GramFilter& filter, ByteView bytes, Report& report);

  static constexpr size_t kPlacesAtOnce = 128;

  GramBlocks blocks_;
  std::vector<uint32_t> places_;
  GramRoom room_;
};

inline GramScan::GramScan(const GramBlocks& blocks)
    : blocks_(blocks), places_(kGramPlacesMax) {
  room_.followed.resize(kPlacesAtOnce);
}

// Reports the literal if it stands there.
template <class Report>
void GramScan::Compare(const GramLiteral& literal, ByteView bytes, size_t begin,
                       Report& report) {
  if (literal.length > bytes.size() - begin) return;
  if ((GramWord(bytes.subspan(begin)) & literal.mask) == literal.value) {
    report(literal.trigger, begin, begin + literal.length);
  }
}

// Compares at the first `count` of places_, which count from `from` on. Some at
// once: where large buckets match everywhere, as those of a damaged filter may,
// the matches of a whole block would take gigabytes.
template <class Report>
void GramScan::Confirm(const GramFilter& filter, const GramLane& lane,
                       ByteView bytes, size_t from, size_t count,
                       Report& report) {
  const std::span<const uint32_t> places = std::span(places_).first(count);
  for (size_t i = 0; i < count; i += kPlacesAtOnce) {
    const size_t some = std::min(kPlacesAtOnce, count - i);
    const size_t matches =
        blocks_.keep(lane, {bytes, from}, places.subspan(i, some), room_);
    for (const GramMatch& match : std::span(room_.matches).first(matches)) {
      CompareMatch(filter, match, bytes, from + match.place, report);
    }
  }
}

// Reports those entries of a match whose literals are there.
template <class Report>
void GramScan::CompareMatch(const GramFilter& filter, const GramMatch& match,
                            ByteView bytes, size_t at, Report& report) {
  for (uint32_t which = match.which; which != 0; which &= which - 1) {
    const auto bit = static_cast<uint32_t>(std::countr_zero(which));
    const GramEntry& entry = filter.grams.entries[match.first + bit];
    if (entry.distance > at + 1) continue;
    Compare(filter.literals[entry.literal], bytes, at + 1 - entry.distance,
            report);
  }
}

template <class Report>
void GramScan::ScanGrams(const GramFilter& filter, ByteView bytes,
                         Report& report) {
  const GramLane& lane = filter.grams;
  size_t at = 0;
  while (at + kGramWordBytes <= bytes.size()) {
    const ByteView rest = bytes.subspan(at);
    const size_t looks = (rest.size() - kGramWordBytes) / kGramStride + 1;
    const size_t end = std::min(kGramsBlockBytes, looks * kGramStride);
    const size_t found = blocks_.find(lane, rest, end, places_.data());
    Confirm(filter, lane, bytes, at, found, report);
    at += end;
  }
  // Where less than a word is left, nobody asks the bitmap.
  for (; at + kGramBytesMin <= bytes.size(); at += kGramStride) {
    places_[0] = 0;
    Confirm(filter, lane, bytes, at, 1, report);
  }
}

template <class Report>
void GramScan::ScanPairs(const GramFilter& filter, ByteView bytes,
                         Report& report) {
  const PairLane& lane = filter.pairs;
  size_t from = 0;
  while (from + kPairLiteralBytesMin <= bytes.size()) {
    const ByteView rest = bytes.subspan(from);
    const size_t end = std::min(kGramBlockBytes, rest.size() - 1);
    const size_t found = blocks_.find_pairs(lane, rest, end, places_.data());
    for (size_t i = 0; i < found; ++i) {
      const size_t at = from + places_[i];
      const size_t bucket =
          lane.map[PairOf(bytes[at] | uint64_t{bytes[at + 1]} << 8)];
      for (uint32_t k = lane.buckets[bucket]; k < lane.buckets[bucket + 1];
           ++k) {
        const ShortEntry entry = lane.entries[k];
        if (entry.distance() > at) continue;
        Compare(filter.literals[entry.literal()], bytes, at - entry.distance(),
                report);
      }
    }
    from += end;
  }
}

template <class Report>
void GramScan::Scan(const GramFilter& filter, ByteView bytes, Report report) {
  if (!filter.grams.entries.empty()) ScanGrams(filter, bytes, report);
  if (!filter.pairs.entries.empty()) ScanPairs(filter, bytes, report);
}

}  // namespace gatehouse
