// GramFilter: literals as hashed n-grams, so that a look at every third place
// of a text finds them all.
//
// A literal, wherever it stands, has one of its first three bytes at a place
// that three divides. The first four bytes from there, hashed, choose a word of
// a bitmap, and with the fifth byte two bits in it: where both are set, a
// bucket tells whether any of its literals goes on like that, and which they
// are, and their bytes are compared. A literal whose gram ends after four bytes
// sets one and all that may be the other. Of five bytes too few are left behind
// the third: then the place before the literal is looked at, and all grams
// count that have any byte there. Letters count in lower case up to there, so
// that literals of either kind stand side by side.
//
// What is shorter, or has grams that are everywhere, is found by a pair of its
// bytes: a table tells for every pair whose it is. Masks pass over most places
// before: literals are put into groups, and the halves of the pair's bytes and
// of the one behind it choose bits of the groups that have such a byte there.
// (So do the literal matchers of Hyperscan that its authors call Teddy.)
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
inline constexpr uint32_t kGramFilterVersion = 7;
inline constexpr size_t kGramLiteralBytesMin = 5;
inline constexpr size_t kPairLiteralBytesMin = 2;
inline constexpr size_t kGramLiteralBytesMax = 8;
// A ShortEntry has 22 bits for the index of its literal.
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
[[nodiscard]] inline uint64_t FoldedWord(uint64_t word) {
  constexpr uint64_t kFold = uint64_t{kGramFold} << 32 | kGramFold;
  return word | (word >> 1 & kFold);
}
inline constexpr uint32_t kGramFactor = 0x9e3779b1;

// Of the first four bytes of a word.
[[nodiscard]] inline uint32_t GramHash(uint64_t word, uint32_t salt) {
  auto hash = static_cast<uint32_t>(word);
  hash |= hash >> 1 & kGramFold;
  hash = (hash ^ salt) * kGramFactor;
  return hash ^ hash >> 15;
}

// Of a word of the bitmap one of the upper bits, which lower bits of the hash
// choose, and one of the lower bits, which they choose with the fifth byte,
// whatever its case.
[[nodiscard]] inline uint32_t GramBits(uint32_t hash, uint64_t word) {
  const auto fifth = static_cast<uint32_t>(word >> 32);
  const uint32_t lower = hash + fifth;
  return uint32_t{0x10000} << (hash >> 4 & 15) | uint32_t{1} << (lower & 15);
}
// When the fifth byte may be any.
[[nodiscard]] inline uint32_t GramBitsOfAny(uint32_t hash) {
  return uint32_t{0x10000} << (hash >> 4 & 15) | 0xffff;
}

// A bucket has a bit for the fifth byte and the sixth of each of its grams.
[[nodiscard]] inline uint32_t GramFollows(uint64_t folded_word) {
  const auto fifth = static_cast<uint32_t>(folded_word >> 32);
  const auto sixth = static_cast<uint32_t>(folded_word >> 40);
  return uint32_t{1} << (((fifth & 0x10) + sixth) & 31);
}
// When the sixth byte may be any.
[[nodiscard]] inline uint32_t GramFollowsOfAnySixth(uint64_t folded_word) {
  uint32_t bits = 0;
  for (uint64_t sixth = 0; sixth < 32; ++sixth) {
    bits |= GramFollows((folded_word & 0xff'ffff'ffff) | sixth << 40);
  }
  return bits;
}

struct GramLiteral {
  uint64_t value = 0;  // Its bytes, little-endian, as the mask leaves them: of
  uint64_t mask = 0;   // a letter of either case, without what tells them.
  uint32_t trigger = 0;
  uint32_t length = 0;
};

// A literal, by one of its grams.
struct GramEntry {
  // Its bytes, little-endian and folded, shifted to the upper end: what stands
  // behind it falls out.
  uint64_t folded = 0;
  uint32_t literal = 0;
  uint8_t distance = 0;  // From one place before it to the gram's first byte.
  uint8_t shift = 0;     // In bits.
  uint16_t reserved = 0;

  // Whether the literal is there, but for what folding hides.
  [[nodiscard]] bool MayBe(uint64_t word) const {
    return FoldedWord(word) << shift == folded;
  }
};

// Grams whose hashes begin alike.
struct GramBucket {
  uint32_t begin = 0;    // Of its entries; they end where the next one begins.
  uint32_t follows = 0;  // GramFollows of its grams.
};

// A short literal, by bytes of it.
struct ShortEntry {
  uint32_t bits = 0;

  [[nodiscard]] uint32_t literal() const { return bits >> 10; }
  // From the literal's first byte to those.
  [[nodiscard]] uint32_t distance() const { return bits & 0xff; }
};

// So many entries are looked at without asking how many the bucket has.
inline constexpr size_t kGramEntriesAtOnce = 4;
// Around the place of a gram, what is compared with entries.
inline constexpr size_t kGramBytesInFront = kGramStride - 1;
inline constexpr size_t kGramBytesFromOn = kGramLiteralBytesMax + 1;

struct GramLane {
  std::span<const uint32_t> bitmap;     // A power of two of words.
  std::span<const GramBucket> buckets;  // And the end of all.
  // Behind the last one kGramEntriesAtOnce that count for nothing: the last
  // bucket's are looked at so many at once.
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
  // Which of kGramEntriesAtOnce entries may be at `place`, where their gram is,
  // a bit for each. Without a branch: nearly all that the bitmap lets through
  // in vain ends here. There must be kGramBytesInFront before the place, and
  // kGramBytesFromOn from there on.
  [[nodiscard]] uint32_t MayBeAt(const uint8_t* place, uint32_t first) const {
    const GramEntry* const entry = entries.data() + first;
    uint32_t which = 0;
    for (uint32_t i = 0; i < kGramEntriesAtOnce; ++i) {
      uint64_t word = 0;
      std::memcpy(&word, place + 1 - entry[i].distance, sizeof(word));
      which |= static_cast<uint32_t>(entry[i].MayBe(word)) << i;
    }
    return which;
  }
};

inline constexpr size_t kPairs = size_t{1} << 16;
inline constexpr size_t kPairBuckets = 256;

// The pair that a word begins with.
[[nodiscard]] inline size_t PairOf(uint64_t word) { return word & 0xffff; }

// Masks look at a pair's two bytes, or at the one behind them as well. By set
// of eight groups of literals, by byte, by half of it, the lower one first, by
// its value: which groups have it, a bit each.
inline constexpr size_t kMaskedBytesMax = 3;
inline constexpr size_t kHalfValues = 16;
inline constexpr size_t kPairSetsMax = 2;
inline constexpr size_t kPairSetGroups = 8;
// With more literals masks would let too much through.
inline constexpr size_t kMaskedLiteralsMax = 256;
[[nodiscard]] constexpr size_t PairSetBytes(size_t masked_bytes) {
  return masked_bytes * 2 * kHalfValues;
}

struct PairLane {
  // Let through what the entries have, and some more. Empty: there are too
  // many.
  std::span<const uint8_t> masks;
  uint32_t masked_bytes = 0;          // Of each place.
  std::span<const uint8_t> map;       // By pair: its bucket, or zero.
  std::span<const uint32_t> buckets;  // Where each begins, and the end of all.
  std::span<const ShortEntry> entries;

  // What the word begins with.
  [[nodiscard]] bool DoMasksPass(uint32_t word) const {
    unsigned groups = 0;
    const size_t set_bytes = PairSetBytes(masked_bytes);
    for (size_t set = 0; set < masks.size(); set += set_bytes) {
      unsigned all = 0xff;
      for (size_t half = 0; half < size_t{2} * masked_bytes; ++half) {
        all &= masks[set + half * kHalfValues + (word >> (4 * half) & 15U)];
      }
      groups |= all;
    }
    return groups != 0;
  }
};

struct GramFilter {
  GramLane grams;  // Without entries: not needed.
  PairLane pairs;  // As well.
  std::span<const GramLiteral> literals;

  // Views into `buffer`, which must outlive them. Errors: kInvalidInput.
  static Result<GramFilter> Open(std::span<const uint64_t> buffer,
                                 size_t triggers);
};

struct GramText {
  ByteView bytes;  // kGramLiteralBytesMax at most.
  bool is_folded = false;
  uint32_t trigger = 0;
  // Not by its grams, for which it has kGramLiteralBytesMin at least, but by
  // one pair of its bytes.
  bool is_by_pair = false;
};

// How often content has each pair of bytes, by first byte, then second; all of
// them make one. Empty: nobody knows. They decide what is fast, nothing else.
using PairRates = std::span<const float>;

// Of at most kGramLiteralsMax texts.
[[nodiscard]] std::vector<uint64_t> PackGramFilter(
    const std::vector<GramText>& texts, PairRates rates = {});

}  // namespace gatehouse
