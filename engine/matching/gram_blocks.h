// The fast part of looking for grams: the places in a block where a filter's
// lane may have one, as fast as the processor can.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "signatures/gram_filter.h"

namespace gatehouse {

// What a block of more bytes must be cut into.
inline constexpr size_t kGramBlockBytes = 4096;
inline constexpr size_t kGramWordBytes = sizeof(uint64_t);
// Room for every place of a block, and for what is written beyond the last one.
inline constexpr size_t kGramPlacesMax = kGramBlockBytes / kGramStride + 8;

// Looks at places 0, 4, 8... below `end`, a multiple of kGramStride and at most
// kGramBlockBytes. From the last of them on, `bytes` has kGramWordBytes; all of
// it may be read. Writes the places of the grams that the lane may have, in
// order, and returns how many there are.
using FindGrams = size_t (*)(const GramLane& lane, ByteView bytes, size_t end,
                             uint32_t* places);

// One way of doing it.
struct GramBlocks {
  const char* name = "";
  FindGrams find = nullptr;
};

// Those that this processor can do, the fastest first; the last one is that of
// any processor.
[[nodiscard]] std::span<const GramBlocks> AvailableGramBlocks();

// Of any processor.
[[nodiscard]] size_t FindGramsAnywhere(const GramLane& lane, ByteView bytes,
                                       size_t end, uint32_t* places);

}  // namespace gatehouse
