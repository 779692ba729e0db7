#include "signatures/pair_lane.h"

#include <array>

#include "signatures/pair_groups.h"

namespace gatehouse {
namespace {

bool IsLower(uint8_t byte) { return byte >= 'a' && byte <= 'z'; }

// The two bytes at a place of a literal, both in either case, if letters are
// folded.
std::vector<size_t> PairsOf(const GramText& text, size_t place) {
  const uint8_t first = text.bytes[place];
  const uint8_t second = text.bytes[place + 1];
  const size_t other_first = text.is_folded && IsLower(first) ? 0x20 : 0;
  const size_t other_second = text.is_folded && IsLower(second) ? 0x2000 : 0;
  const size_t pair = first | size_t{second} << 8;
  std::vector<size_t> pairs = {pair};
  if (other_first != 0) pairs.push_back(pair ^ other_first);
  if (other_second != 0) pairs.push_back(pair ^ other_second);
  if (other_first != 0 && other_second != 0) {
    pairs.push_back(pair ^ other_first ^ other_second);
  }
  return pairs;
}

std::vector<uint8_t> MasksOf(const PairGroups& groups) {
  const size_t set_bytes = 2 * kHalfValues * groups.masked_bytes;
  const size_t sets =
      (groups.groups.size() + kPairSetGroups - 1) / kPairSetGroups;
  std::vector<uint8_t> masks(sets * set_bytes);
  for (size_t i = 0; i < groups.groups.size(); ++i) {
    const auto bit = static_cast<uint8_t>(1U << (i % kPairSetGroups));
    uint8_t* at = masks.data() + i / kPairSetGroups * set_bytes;
    for (size_t byte = 0; byte < groups.masked_bytes; ++byte) {
      for (const uint16_t values : groups.groups[i].values.at(byte)) {
        for (unsigned value = 0; value < kHalfValues; ++value, ++at) {
          if ((values >> value & 1) != 0) *at = static_cast<uint8_t>(*at | bit);
        }
      }
    }
  }
  return masks;
}

}  // namespace

// Pairs get buckets of their own, as long as there are any, and share them
// then.
PairLaneTables PairLaneOf(const std::vector<GramText>& texts,
                          const std::vector<uint32_t>& literals,
                          PairRates rates) {
  PairLaneTables lane;
  if (literals.empty()) return lane;
  const PairGroups groups = GroupPairs(texts, literals, rates);
  lane.masks = MasksOf(groups);
  lane.masked_bytes = static_cast<uint32_t>(groups.masked_bytes);
  lane.map.resize(kPairs);
  std::array<std::vector<ShortEntry>, kPairBuckets> buckets;
  size_t pairs = 0;
  for (size_t i = 0; i < literals.size(); ++i) {
    const ShortEntry entry{literals[i] << 10 | groups.places[i]};
    for (const size_t pair : PairsOf(texts[literals[i]], groups.places[i])) {
      uint8_t& bucket = lane.map[pair];
      if (bucket == 0) {
        bucket = static_cast<uint8_t>(1 + pairs++ % (kPairBuckets - 1));
      }
      auto& entries = buckets.at(bucket);
      if (entries.empty() || entries.back().bits != entry.bits) {
        entries.push_back(entry);
      }
    }
  }
  for (const std::vector<ShortEntry>& entries : buckets) {
    lane.buckets.push_back(static_cast<uint32_t>(lane.entries.size()));
    lane.entries.insert(lane.entries.end(), entries.begin(), entries.end());
  }
  lane.buckets.push_back(static_cast<uint32_t>(lane.entries.size()));
  return lane;
}

}  // namespace gatehouse
