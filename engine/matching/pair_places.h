// What is done with the places that masks of pairs let through, whatever looked
// for them.
//
// Thread-safe: pure functions.
#pragma once

#include <immintrin.h>

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "engine/matching/gram_blocks.h"

namespace gatehouse {

// Writes the lowest bits that are set, and leaves the others.
template <size_t... kPlaces>
[[gnu::target("avx2,bmi,popcnt")]] inline void WriteLowest(
    std::index_sequence<kPlaces...> /*places*/, uint64_t& bits, size_t at,
    uint32_t* places) {
  ((places[kPlaces] = static_cast<uint32_t>(at + _tzcnt_u64(bits)),
    bits &= bits - 1),
   ...);
}

// Writes where the bits are set, counted from `at` on, and returns how many:
// nearly always no more than kAtOnce, and then without a branch.
template <size_t kAtOnce>
[[gnu::target("avx2,bmi,popcnt")]] inline size_t WriteBits(uint64_t bits,
                                                           size_t at,
                                                           uint32_t* places) {
  const auto count = static_cast<size_t>(std::popcount(bits));
  using AtOnce = std::make_index_sequence<kAtOnce>;
  WriteLowest(AtOnce(), bits, at, places);
  for (size_t i = kAtOnce; i < count; i += kAtOnce) {
    WriteLowest(AtOnce(), bits, at, places + i);
  }
  return count;
}

// Of 64 places nearly always no more than this many get through such masks:
// those of many literals, which look at a third byte, let the most through.
constexpr size_t PairsAtOnce(size_t sets, size_t masked_bytes) {
  return sets == 2 && masked_bytes == 3 ? 4 : 2;
}

// Of a block, the places that masks did not look at.
struct PairRest {
  size_t begin = 0;
  size_t end = 0;
};

// Keeps, of the first `passed` places, those where a pair of the lane stands,
// adds those of the rest, and returns how many there are.
inline size_t KeepPairs(const PairLane& lane, ByteView bytes, PairRest rest,
                        size_t passed, uint32_t* places) {
  const uint8_t* const map = lane.map.data();
  size_t found = 0;
  for (size_t i = 0; i < passed; ++i) {
    const uint32_t place = places[i];
    uint16_t pair = 0;
    std::memcpy(&pair, bytes.data() + place, sizeof(pair));
    places[found] = place;
    found += map[pair] != 0 ? 1U : 0U;
  }
  const size_t more = FindPairsAnywhere(lane, bytes.subspan(rest.begin),
                                        rest.end - rest.begin, places + found);
  for (size_t i = 0; i < more; ++i) {
    places[found + i] += static_cast<uint32_t>(rest.begin);
  }
  return found + more;
}

// A FindPairs, by masks of the lane's kind. `Way` has a template function Find
// for so many sets of so many masked bytes.
template <class Way>
size_t FindPairsBy(const PairLane& lane, ByteView bytes, size_t end,
                   uint32_t* places) {
  assert(end <= kGramBlockBytes && end < bytes.size());
  if (lane.masks.empty()) return FindPairsAnywhere(lane, bytes, end, places);
  const bool is_one_set = lane.masks.size() == PairSetBytes(lane.masked_bytes);
  if (lane.masked_bytes == 2) {
    return is_one_set ? Way::template Find<1, 2>(lane, bytes, end, places)
                      : Way::template Find<2, 2>(lane, bytes, end, places);
  }
  return is_one_set ? Way::template Find<1, 3>(lane, bytes, end, places)
                    : Way::template Find<2, 3>(lane, bytes, end, places);
}

}  // namespace gatehouse
