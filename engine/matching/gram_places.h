// The first look at what the bitmap of a lane lets through, the same for all
// that look closer.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "engine/matching/gram_blocks.h"
#include "signatures/gram_filter.h"

namespace gatehouse {

// Writes those of the places that go on as one of their bucket's literals does,
// with its entries, and returns how many there are: of what begins as a literal
// nearly all goes on in another way. The tables are larger than the caches:
// what is read next is fetched for all places at once.
inline size_t FollowGrams(const GramLane& lane, const GramBlock& block,
                          std::span<const uint32_t> places,
                          GramPlace* followed) {
  const GramBucket* const buckets = lane.buckets.data();
  const size_t count = places.size();
  for (size_t i = 0; i < count; ++i) {
    const uint32_t at = places.data()[i];
    const uint64_t word = GramWord(block.bytes.subspan(block.begin + at));
    const uint32_t bucket = GramHash(word, lane.salt) >> lane.bucket_shift;
    __builtin_prefetch(buckets + bucket);
    followed[i] = {at, bucket, GramFollows(FoldedWord(word))};
  }
  size_t following = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto [at, bucket, follows] = followed[i];
    const GramBucket& own = buckets[bucket];
    followed[following] = {at, own.begin, buckets[bucket + 1].begin};
    following += (own.follows & follows) != 0 ? 1U : 0U;
  }
  const GramEntry* const entries = lane.entries.data();
  for (size_t i = 0; i < following; ++i) {
    __builtin_prefetch(entries + followed[i].first);
  }
  return following;
}

// The lowest bits, one for each of `count` entries: four at most.
inline uint32_t AllOf(uint32_t count) {
  static_assert(kGramEntriesAtOnce == 4);
  return count >= kGramEntriesAtOnce ? 15U : (1U << count) - 1U;
}

// Whether so many bytes can be read from the place on, and kGramBytesInFront in
// front of it.
inline bool IsAmid(const GramBlock& block, const GramPlace& one, size_t bytes) {
  const size_t at = block.begin + one.place;
  return at >= kGramBytesInFront && block.bytes.size() - at >= bytes;
}

// The matches; behind the first `found` there is room for those of a place.
inline GramMatch* RoomFor(const GramPlace& one, size_t found, GramRoom& room) {
  const size_t most = found + (one.last - one.first) / kGramEntriesAtOnce + 1;
  if (most > room.matches.size()) [[unlikely]]
    room.matches.resize(2 * most);
  return room.matches.data();
}

}  // namespace gatehouse
