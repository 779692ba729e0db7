// GramFilter: literals as hashed n-grams, so that a look at every third place
// of a text finds them all.
//
// A literal, wherever it stands, has one of its first three bytes at a place
// that three divides. The first four bytes from there, hashed, choose a word of
// a bitmap, and with the fifth byte two bits in it: where both are set, a
// bucket tells which literals have such a gram, and their bytes are compared. A
// literal whose gram ends after four bytes sets the whole word. Of five bytes
// too few are left behind the third: then the place before the literal is
// looked at, and all grams count that have any byte there. Letters count in
// lower case up to there, so that literals of either kind stand side by side.
//
// What is shorter, or has grams that are everywhere, is found by a pair of its
// bytes: a table tells for every pair whose it is. A few of these are found
// faster by three bytes in a row, or two: the halves of a byte choose bits of
// the buckets that have such a byte there.
//
// Everything lies in one buffer of plain records that refer to each other by
// index; Open looks at every one of them. Thread-safe: immutable views.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace gatehouse {

// The buffer is on disk, byte for byte, and so are the hashes: whoever changes
// one raises the version.
inline constexpr uint32_t kGramFilterVersion = 3;
inline constexpr size_t kGramLiteralBytesMin = 5;
inline constexpr size_t kPairLiteralBytesMin = 2;
inline constexpr size_t kGramLiteralBytesMax = 8;
// An entry has 22 bits for the index of its literal.
inline constexpr size_t kGramLiteralsMax = size_t{1} << 22;

inline constexpr size_t kGramStride = 3;  // Between two places.
inline constexpr size_t kGramBytes = 5;
inline constexpr size_t kGramBytesMin = 4;
// A shorter literal has grams with any byte in front.
inline constexpr size_t kGramInnerBytesMin = kGramBytesMin + kGramStride - 1;
// How many grams of a literal begin within it.
[[nodiscard]] constexpr size_t GramsWithin(size_t literal_bytes) {
  return literal_bytes < kGramInnerBytesMin ? kGramStride - 1 : kGramStride;
}

// The first eight bytes of a text, or fewer, little-endian.
[[nodiscard]] inline uint64_t GramWord(ByteView bytes) {
  uint64_t word = 0;
  if (bytes.size() >= sizeof(word)) [[likely]] {
    std::memcpy(&word, bytes.data(), sizeof(word));
  } else {
    std::memcpy(&word, bytes.data(), bytes.size());
  }
  return word;
}

// Bytes from '@' on; letters get lower case.
inline constexpr uint32_t kGramFold = 0x20202020;
inline constexpr uint32_t kGramFactor1 = 0x9e3779b1;
inline constexpr uint32_t kGramFactor2 = 0x85ebca77;

// Of the first four bytes of a word.
[[nodiscard]] inline uint32_t GramHash(uint64_t word, uint32_t salt) {
  auto hash = static_cast<uint32_t>(word);
  hash |= hash >> 1 & kGramFold;
  hash = hash * kGramFactor1 + salt;
  hash ^= hash >> 15;
  return hash * kGramFactor2;
}

// Two bits of a word of the bitmap, which the lower bits of the hash choose
// with the fifth byte, whatever its case.
[[nodiscard]] inline uint32_t GramBits(uint32_t hash, uint64_t word) {
  const auto fifth = static_cast<uint32_t>(word >> 32);
  const uint32_t second = (hash >> 5) + (fifth >> 6 & 3);
  return uint32_t{1} << ((hash + fifth) & 31) | uint32_t{1} << (second & 31);
}

struct GramLiteral {
  uint64_t value = 0;  // Its bytes, little-endian, as the mask leaves them: of
  uint64_t mask = 0;   // a letter of either case, without what tells them.
  uint32_t trigger = 0;
  uint32_t length = 0;
};

// A literal, by one of its grams.
struct GramEntry {
  uint32_t bits = 0;

  [[nodiscard]] uint32_t literal() const { return bits >> 10; }
  // From one place before the literal to the gram's first byte.
  [[nodiscard]] uint32_t distance() const { return bits >> 8 & 3; }
  // The lower bits of the hash.
  [[nodiscard]] uint8_t tag() const { return static_cast<uint8_t>(bits); }
};

// So many entries of a bucket are looked at without asking how many it has.
inline constexpr size_t kGramEntriesAtOnce = 4;

struct GramLane {
  std::span<const uint32_t> bitmap;   // A power of two of words.
  std::span<const uint32_t> buckets;  // Where each begins, and the end of all.
  // Behind the last one kGramEntriesAtOnce that count for nothing: they are
  // looked at where the last bucket is empty.
  std::span<const GramEntry> entries;
  uint32_t bitmap_shift = 0;  // Of the hash: what is left is an index.
  uint32_t bucket_shift = 0;
  uint32_t salt = 0;

  // Whether a literal may have the gram that the word begins with.
  [[nodiscard]] bool MayHave(uint64_t word) const {
    const uint32_t hash = GramHash(word, salt);
    const uint32_t bits = GramBits(hash, word);
    return (bitmap[hash >> bitmap_shift] & bits) == bits;
  }
  [[nodiscard]] std::span<const GramEntry> EntriesOf(uint32_t hash) const {
    const uint32_t bucket = hash >> bucket_shift;
    return entries.subspan(buckets[bucket],
                           buckets[bucket + 1] - buckets[bucket]);
  }
  // Whether the first entries have the tag of the hash, or there are more than
  // a few. Without a branch: nearly all that the bitmap lets through in vain
  // ends here.
  [[nodiscard]] bool MayHaveTag(uint32_t hash) const {
    const uint32_t* const bucket = buckets.data() + (hash >> bucket_shift);
    const uint32_t count = bucket[1] - bucket[0];
    const GramEntry* const first = entries.data() + bucket[0];
    unsigned has_tag = count > kGramEntriesAtOnce ? 1 : 0;
    for (uint32_t i = 0; i < kGramEntriesAtOnce; ++i) {
      const bool is_same = ((first[i].bits ^ hash) & 0xff) == 0;
      has_tag |=
          static_cast<unsigned>(is_same) & static_cast<unsigned>(i < count);
    }
    return has_tag != 0;
  }
};

inline constexpr size_t kPairs = size_t{1} << 16;
inline constexpr size_t kPairBuckets = 256;

// The pair that a word begins with.
[[nodiscard]] inline size_t PairOf(uint64_t word) { return word & 0xffff; }

struct PairLane {
  std::span<const uint8_t> map;        // By pair: its bucket, or zero.
  std::span<const uint32_t> buckets;   // Where each begins, and the end of all.
  std::span<const GramEntry> entries;  // The tag is the distance of the pair.
};

inline constexpr size_t kFewBuckets = 8;
inline constexpr size_t kFewBytes = 3;
inline constexpr size_t kHalfValues = 16;
// For each byte in a row: by the value of its lower half the buckets, a bit
// each, then by that of its upper half.
inline constexpr size_t kFewMasks = kFewBytes * 2 * kHalfValues;

struct FewLane {
  std::span<const uint8_t> masks;
  std::span<const uint32_t> buckets;   // Where each begins, and the end of all.
  std::span<const GramEntry> entries;  // The tag is the distance of the row.

  // The buckets that may have a row which begins with these bytes; what is
  // behind the end of a text counts as whatever is wanted.
  [[nodiscard]] uint8_t BucketsOf(ByteView bytes) const {
    unsigned all = 0xff;
    for (size_t i = 0; i < std::min(kFewBytes, bytes.size()); ++i) {
      const uint8_t* const halves = masks.data() + i * 2 * kHalfValues;
      all &= halves[bytes[i] & 15U];
      all &= halves[kHalfValues + (bytes[i] >> 4U)];
    }
    return static_cast<uint8_t>(all);
  }
};

struct GramFilter {
  GramLane grams;  // Without entries: not needed.
  PairLane pairs;  // As well.
  FewLane few;     // As well.
  std::span<const GramLiteral> literals;

  // Views into `buffer`, which must outlive them. Errors: kInvalidInput.
  static Result<GramFilter> Open(std::span<const uint64_t> buffer,
                                 size_t triggers);
};

// How a literal is found.
enum class GramMeans : uint8_t {
  kGrams,  // By its grams: it has kGramLiteralBytesMin at least.
  kPair,   // By one pair of its bytes.
  kFew,    // As one of few.
};

struct GramText {
  ByteView bytes;  // kGramLiteralBytesMax at most.
  bool is_folded = false;
  uint32_t trigger = 0;
  GramMeans means = GramMeans::kGrams;
  uint8_t pair_at = 0;  // Its rarest pair, for the other means.
};

// Of at most kGramLiteralsMax texts.
[[nodiscard]] std::vector<uint64_t> PackGramFilter(
    const std::vector<GramText>& texts);

}  // namespace gatehouse
