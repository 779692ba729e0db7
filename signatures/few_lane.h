// Makes the tables of a FewLane (gram_filter.h).
//
// Thread-safe: a pure function.
#pragma once

#include <cstdint>
#include <vector>

#include "signatures/gram_filter.h"

namespace gatehouse {

struct FewLaneTables {
  std::vector<uint8_t> masks;
  std::vector<uint32_t> buckets;
  std::vector<GramEntry> entries;
};

// `literals` are the indices of the texts; none: no tables.
[[nodiscard]] FewLaneTables FewLaneOf(const std::vector<GramText>& texts,
                                      const std::vector<uint32_t>& literals);

}  // namespace gatehouse
