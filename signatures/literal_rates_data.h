// The data of LiteralRates, as it stands in literal_rates.bin.
//
// Thread-safe: constant.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

inline constexpr size_t kQuadBuckets = size_t{1} << 18;

// The bucket of four bytes.
[[nodiscard]] inline size_t QuadBucket(ByteView quad) {
  const uint32_t value = uint32_t{quad[0]} | uint32_t{quad[1]} << 8 |
                         uint32_t{quad[2]} << 16 | uint32_t{quad[3]} << 24;
  return value * 2654435761U >> 14;
}

[[nodiscard]] ByteView LiteralRatesData();

}  // namespace gatehouse
