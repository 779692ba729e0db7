#include "engine/matching/gram_blocks.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <limits>
#include <vector>

#include "engine/matching/gram_places.h"

namespace gatehouse {
namespace {

// A bitmap as large as that of some thousand literals, and a block of bytes
// whose grams are all over it.
constexpr uint32_t kMeasuredBitmapBits = 14;
// So often in a row: a processor takes a while to get ready for wide vectors.
// And each twice: what interrupts one may last for a while, too.
constexpr size_t kMeasuredRounds = 8;
constexpr size_t kMeasuredTurns = 2;

// Of each the least time, in nanoseconds: whatever interrupts it only adds.
std::vector<int64_t> TimesOf(std::span<const GramBlocks> all) {
  const std::vector<uint32_t> bitmap(size_t{1} << kMeasuredBitmapBits);
  GramLane lane;
  lane.bitmap = bitmap;
  lane.bitmap_shift = 32 - kMeasuredBitmapBits;
  std::vector<uint8_t> bytes(kGramBlockBytes);
  uint32_t state = 1;
  for (uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(state >> 24);
  }
  std::vector<uint32_t> places(kGramPlacesMax);
  std::vector<int64_t> times(all.size(), std::numeric_limits<int64_t>::max());
  for (size_t turn = 0; turn < kMeasuredTurns * all.size(); ++turn) {
    const size_t i = turn % all.size();
    for (size_t round = 0; round < kMeasuredRounds; ++round) {
      using Clock = std::chrono::steady_clock;
      const Clock::time_point begin = Clock::now();
      const size_t found =
          all[i].find(lane, bytes, kGramsBlockBytes, places.data());
      const std::chrono::nanoseconds time = Clock::now() - begin;
      // Of an empty bitmap; to ask makes sure that it was looked at.
      if (found == 0) times[i] = std::min<int64_t>(times[i], time.count());
    }
  }
  return times;
}

// The last one is never faster than others.
const GramBlocks& Fastest(std::span<const GramBlocks> all) {
  if (all.size() == 1) return all.front();
  const std::vector<int64_t> times = TimesOf(all.first(all.size() - 1));
  const auto least = std::min_element(times.begin(), times.end());
  return all[static_cast<size_t>(least - times.begin())];
}

}  // namespace

const GramBlocks& FastestGramBlocks() {
  static const GramBlocks& fastest = Fastest(AvailableGramBlocks());
  return fastest;
}

// Without a branch that depends on what is found: every place is written, and
// kept when it counts.
size_t FindGramsAnywhere(const GramLane& lane, ByteView bytes, size_t end,
                         uint32_t* places) {
  assert(end <= kGramBlockBytes);
  size_t found = 0;
  for (size_t at = 0; at < end; at += kGramStride) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof(word));
    places[found] = static_cast<uint32_t>(at);
    found += lane.MayHave(word) ? 1U : 0U;
  }
  return found;
}

size_t KeepGramsAnywhere(const GramLane& lane, const GramBlock& block,
                         std::span<const uint32_t> places, GramRoom& room) {
  const size_t following =
      FollowGrams(lane, block, places, room.followed.data());
  size_t found = 0;
  for (const GramPlace& one : std::span(room.followed).first(following)) {
    const bool is_amid = IsAmid(block, one, kGramBytesFromOn);
    GramMatch* const matches = RoomFor(one, found, room);
    for (uint32_t k = one.first; k < one.last; k += kGramEntriesAtOnce) {
      uint32_t which = AllOf(one.last - k);
      if (is_amid) [[likely]] {
        which &= lane.MayBeAt(&block.bytes[block.begin + one.place], k);
      }
      matches[found] = {one.place, k, which};
      found += which != 0 ? 1U : 0U;
    }
  }
  return found;
}

size_t FindPairsAnywhere(const PairLane& lane, ByteView bytes, size_t end,
                         uint32_t* places) {
  assert(end <= kGramBlockBytes && end < bytes.size());
  const uint8_t* const map = lane.map.data();
  size_t found = 0;
  const auto look = [&](uint64_t word, size_t at) {
    places[found] = static_cast<uint32_t>(at);
    found += map[PairOf(word)] != 0 ? 1U : 0U;
  };
  size_t at = 0;
  // Two loads for eight pairs: one for the even ones, one for the odd ones. In
  // nearly all of these blocks there is none. Each half of a word is looked up
  // for itself, and not one after the other, so that the loads overlap.
  const auto any_of = [map](uint64_t word) {
    const unsigned front =
        unsigned{map[PairOf(word)]} | map[PairOf(word >> 16)];
    const unsigned back =
        unsigned{map[PairOf(word >> 32)]} | map[PairOf(word >> 48)];
    return front | back;
  };
  for (; at + kGramWordBytes <= end; at += kGramWordBytes) {
    uint64_t even = 0;
    uint64_t odd = 0;
    std::memcpy(&even, bytes.data() + at, sizeof(even));
    std::memcpy(&odd, bytes.data() + at + 1, sizeof(odd));
    if ((any_of(even) | any_of(odd)) == 0) continue;
    for (size_t i = 0; i < kGramWordBytes; i += 2) {
      look(even >> (8 * i), at + i);
      look(odd >> (8 * i), at + i + 1);
    }
  }
  for (; at < end; ++at) look(bytes[at] | uint64_t{bytes[at + 1]} << 8, at);
  return found;
}

}  // namespace gatehouse
