// Groups of short literals that share a bit of a PairLane's masks
// (gram_filter.h): with such a bit everything passes that is made of the halves
// of bytes of its literals, so literals whose halves are alike go together.
//
// Thread-safe: pure functions and plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "signatures/gram_filter.h"

namespace gatehouse {

// What the masks let through for some literals.
struct PairGroup {
  // By byte, by half of it, the lower one first: the values that occur, a bit
  // each.
  using Values = std::array<std::array<uint16_t, 2>, kMaskedBytesMax>;

  Values values = {};
  double rate = 0.0;  // Of the places in content that pass.
};

// For some literals, the fastest masks that were found.
struct PairGroups {
  size_t masked_bytes = 0;
  std::vector<PairGroup> groups;  // kPairSetsMax sets of them at most.
  // By literal: the place in it of the first byte that is looked at.
  std::vector<uint8_t> places;
};

// Of more than kMaskedLiteralsMax different literals no groups, only places.
// CPU-bound: some ms, of many literals up to a tenth of a second.
[[nodiscard]] PairGroups GroupPairs(const std::vector<GramText>& texts,
                                    const std::vector<uint32_t>& literals,
                                    PairRates rates);

}  // namespace gatehouse
