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

// Sextets: the share of the files of a kind that have them, two buckets a byte;
// values that mean 2^(-value / kStepsPerSextetBit), at the end none.
inline constexpr size_t kSextet = 6;
inline constexpr size_t kSextetBuckets = size_t{1} << 21;
inline constexpr double kStepsPerSextetBit = 3.0;
inline constexpr uint8_t kSextetAbsent = 15;

// `is_folded`: of a text in lower case.
[[nodiscard]] inline uint64_t SextetHash(ByteView sextet, bool is_folded) {
  uint64_t value = is_folded ? 1 : 2;
  for (size_t i = 0; i < kSextet; ++i) value = value << 8 | sextet[i];
  value *= 0x9e3779b97f4a7c15U;
  return value >> 20;
}

[[nodiscard]] ByteView LiteralRatesData();

}  // namespace gatehouse
