#include "signatures/few_lane.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace gatehouse {
namespace {

// Some bytes of a literal in a row, the rarest pair among them.
struct Row {
  std::array<uint8_t, kFewBytes> bytes = {};
  size_t size = 0;
  bool is_folded = false;
  GramEntry entry;
};

Row RowOf(const GramText& text, uint32_t literal) {
  Row row;
  row.size = std::min(kFewBytes, text.bytes.size());
  const size_t begin =
      std::min<size_t>(text.pair_at, text.bytes.size() - row.size);
  std::copy_n(text.bytes.begin() + static_cast<ptrdiff_t>(begin), row.size,
              row.bytes.begin());
  row.is_folded = text.is_folded;
  row.entry = {literal << 10 | static_cast<uint32_t>(begin)};
  return row;
}

void AddByte(size_t place, uint8_t byte, uint8_t bucket,
             std::vector<uint8_t>& masks) {
  uint8_t* const halves = masks.data() + place * 2 * kHalfValues;
  uint8_t& low = halves[byte & 15U];
  uint8_t& high = halves[kHalfValues + (byte >> 4U)];
  low = static_cast<uint8_t>(low | bucket);
  high = static_cast<uint8_t>(high | bucket);
}

void AddRow(const Row& row, uint8_t bucket, std::vector<uint8_t>& masks) {
  for (size_t i = 0; i < kFewBytes; ++i) {
    if (i >= row.size) {  // Whatever follows.
      for (unsigned byte = 0; byte < 256; ++byte) {
        AddByte(i, static_cast<uint8_t>(byte), bucket, masks);
      }
      continue;
    }
    const uint8_t byte = row.bytes.at(i);
    AddByte(i, byte, bucket, masks);
    const bool is_letter = byte >= 'a' && byte <= 'z';
    if (row.is_folded && is_letter) {
      AddByte(i, static_cast<uint8_t>(byte ^ 0x20U), bucket, masks);
    }
  }
}

}  // namespace

// Those that are alike share a bucket, if there are more than buckets.
FewLaneTables FewLaneOf(const std::vector<GramText>& texts,
                        const std::vector<uint32_t>& literals) {
  FewLaneTables lane;
  if (literals.empty()) return lane;
  std::vector<Row> rows;
  for (const uint32_t literal : literals) {
    rows.push_back(RowOf(texts[literal], literal));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.size, a.bytes) < std::tie(b.size, b.bytes);
  });
  lane.masks.resize(kFewMasks);
  lane.buckets.resize(kFewBuckets + 1);
  for (size_t i = 0; i < rows.size(); ++i) {
    const size_t bucket = i * kFewBuckets / std::max(kFewBuckets, rows.size());
    AddRow(rows[i], static_cast<uint8_t>(1U << bucket), lane.masks);
    lane.entries.push_back(rows[i].entry);
    lane.buckets[bucket + 1] = static_cast<uint32_t>(lane.entries.size());
  }
  for (size_t i = 1; i < lane.buckets.size(); ++i) {
    lane.buckets[i] = std::max(lane.buckets[i], lane.buckets[i - 1]);
  }
  return lane;
}

}  // namespace gatehouse
