// Makes the tables of a PairLane (gram_filter.h).
//
// Thread-safe: a pure function.
#pragma once

#include <cstdint>
#include <vector>

#include "signatures/gram_filter.h"

namespace gatehouse {

struct PairLaneTables {
  std::vector<uint8_t> masks;
  uint32_t masked_bytes = 0;
  std::vector<uint8_t> map;
  std::vector<uint32_t> buckets;
  std::vector<ShortEntry> entries;
};

// `literals` are the indices of the texts; none: no tables.
[[nodiscard]] PairLaneTables PairLaneOf(const std::vector<GramText>& texts,
                                        const std::vector<uint32_t>& literals,
                                        PairRates rates);

}  // namespace gatehouse
