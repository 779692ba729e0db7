// The fast part of looking for grams: the places in a block where a filter's
// lane may have one, as fast as the processor can.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "signatures/gram_filter.h"

namespace gatehouse {

// What a block of more bytes must be cut into; for grams so many that nothing
// is left of a vector.
inline constexpr size_t kGramBlockBytes = 4096;
inline constexpr size_t kGramsBlockBytes = 4080;
inline constexpr size_t kGramWordBytes = sizeof(uint64_t);
// Room for every byte of a block, and for what is written beyond the last one.
inline constexpr size_t kGramPlacesMax = kGramBlockBytes + 16;

// Looks at places 0, 3, 6... below `end`, a multiple of kGramStride and at most
// kGramBlockBytes. From the last of them on, `bytes` has kGramWordBytes; all of
// it may be read. Writes the places of the grams that the lane may have, in
// order, and returns how many there are.
using FindGrams = size_t (*)(const GramLane& lane, ByteView bytes, size_t end,
                             uint32_t* places);

// A place of a block where a lane may have a gram, and its entries.
struct GramPlace {
  uint32_t place = 0;
  uint32_t first = 0;
  uint32_t last = 0;  // Behind them.
};

// Of kGramEntriesAtOnce entries from `first` on: those whose literal is at the
// place, but for what folding hides; a bit for each, the lowest for the first.
struct GramMatch {
  uint32_t place = 0;
  uint32_t first = 0;
  uint32_t which = 0;
};

// Where in some bytes a block begins.
struct GramBlock {
  ByteView bytes;
  size_t begin = 0;
};

// Memory that is kept from block to block.
struct GramRoom {
  std::vector<GramPlace> followed;  // Room for all places at once.
  std::vector<GramMatch> matches;   // Grows.
};

// Looks closer at the places of a block that FindGrams found. Writes the
// matches into the room, and returns how many there are. Where less is known of
// what is around a place, some of them are none.
using KeepGrams = size_t (*)(const GramLane& lane, const GramBlock& block,
                             std::span<const uint32_t> places, GramRoom& room);

// The places from 0 on, below `end`, where a pair begins that the lane has,
// without some at which its masks let nothing through;
// `end` is kGramBlockBytes at most, and less than the number of bytes.
using FindPairs = size_t (*)(const PairLane& lane, ByteView bytes, size_t end,
                             uint32_t* places);

// One way of doing it.
struct GramBlocks {
  const char* name = "";
  FindGrams find = nullptr;
  KeepGrams keep = nullptr;
  FindPairs find_pairs = nullptr;
};

// Those that this processor can do; the last one is that of any processor.
[[nodiscard]] std::span<const GramBlocks> AvailableGramBlocks();

// The fastest of them: measured once, by the first call, in a fifth of a
// millisecond. Which one it is changes nothing that is found.
[[nodiscard]] const GramBlocks& FastestGramBlocks();

// Of any processor.
[[nodiscard]] size_t FindGramsAnywhere(const GramLane& lane, ByteView bytes,
                                       size_t end, uint32_t* places);
[[nodiscard]] size_t KeepGramsAnywhere(const GramLane& lane,
                                       const GramBlock& block,
                                       std::span<const uint32_t> places,
                                       GramRoom& room);
[[nodiscard]] size_t FindPairsAnywhere(const PairLane& lane, ByteView bytes,
                                       size_t end, uint32_t* places);

}  // namespace gatehouse
