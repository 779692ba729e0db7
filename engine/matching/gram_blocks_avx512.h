// Looking with AVX-512: for sixteen grams at once, for pairs at 64 places.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/matching/gram_blocks.h"

namespace gatehouse {

// Whether the processor, and the system, can do what is below.
[[nodiscard]] bool HasAvx512Bytes();

// A FindGrams. REQUIRES: HasAvx512Bytes().
[[nodiscard]] size_t FindGramsWithAvx512(const GramLane& lane, ByteView bytes,
                                         size_t end, uint32_t* places);
// A FindPairs. As above.
[[nodiscard]] size_t FindPairsWithAvx512(const PairLane& lane, ByteView bytes,
                                         size_t end, uint32_t* places);

}  // namespace gatehouse
