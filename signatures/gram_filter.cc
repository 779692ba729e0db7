#include "signatures/gram_filter.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <type_traits>
#include <utility>

#include "signatures/pair_lane.h"

namespace gatehouse {
namespace {

constexpr uint32_t kHashBits = 32;
// Bitmaps have a word or two for each gram: both bits of a strange one are set
// in one of some hundred cases. The smallest fits the first level cache.
constexpr uint32_t kBitmapBitsMin = 13;
constexpr uint32_t kBitmapBitsMax = 20;
constexpr uint32_t kBucketBitsMin = 4;
constexpr uint32_t kBucketBitsMax = 22;

// The head: version; then begin (in words) and count of the literals, then of
// the bitmap, the buckets and the entries of grams, of the map, the buckets,
// the entries and the masks of pairs; then the salt, and how many bytes are
// masked.
constexpr size_t kTables = 8;
constexpr size_t kSaltWord = 1 + 2 * kTables;
constexpr size_t kMaskedBytesWord = kSaltWord + 1;
constexpr size_t kHeadWords = kMaskedBytesWord + 1;

uint64_t HeadWord() { return uint64_t{kGramFilterVersion} << 32 | kTables; }

uint32_t BitsFor(size_t count, uint32_t min, uint32_t max) {
  const auto bits = static_cast<uint32_t>(std::bit_width(count));
  return std::clamp(bits, min, max);
}

GramLiteral LiteralOf(const GramText& text) {
  GramLiteral literal;
  literal.trigger = text.trigger;
  literal.length = static_cast<uint32_t>(text.bytes.size());
  for (size_t i = 0; i < text.bytes.size(); ++i) {
    const uint8_t byte = text.bytes[i];
    const bool is_letter = text.is_folded && byte >= 'a' && byte <= 'z';
    const uint64_t mask = is_letter ? 0xdf : 0xff;
    literal.mask |= mask << (8 * i);
    literal.value |= (byte & mask) << (8 * i);
  }
  return literal;
}

struct LaneVectors {
  std::vector<uint32_t> bitmap;
  std::vector<GramBucket> buckets;
  std::vector<GramEntry> entries;
};

// A literal's gram before it is hashed.
struct Gram {
  uint64_t word = 0;
  bool has_fifth = false;
  uint32_t literal = 0;
  uint8_t distance = 0;  // As a GramEntry has it.
};

struct HashedEntry {
  uint32_t hash = 0;
  uint32_t follows = 0;
  GramEntry entry;
};

// What is behind the first four bytes, as far as it is the literal's.
uint32_t FollowsOf(const Gram& gram, const GramLiteral& literal) {
  const uint64_t folded = FoldedWord(gram.word);
  const size_t bytes = literal.length + size_t{1} - gram.distance;
  if (bytes > kGramBytes) return GramFollows(folded);
  return bytes == kGramBytes ? GramFollowsOfAnySixth(folded) : ~uint32_t{0};
}

std::vector<uint32_t> BitmapOf(const std::vector<Gram>& grams, uint32_t salt) {
  const uint32_t bits = BitsFor(grams.size(), kBitmapBitsMin, kBitmapBitsMax);
  std::vector<uint32_t> bitmap(size_t{1} << bits);
  for (const Gram& gram : grams) {
    const uint32_t hash = GramHash(gram.word, salt);
    bitmap[hash >> (kHashBits - bits)] |=
        gram.has_fifth ? GramBits(hash, gram.word) : GramBitsOfAny(hash);
  }
  return bitmap;
}

// How much clean content the bitmap would stop in vain: runs of one byte are in
// many files, and runs of zeros in all.
size_t FalseRuns(const std::vector<uint32_t>& bitmap, uint32_t salt) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr size_t kZerosCount = 1000;
  GramLane lane;
  lane.bitmap = bitmap;
  lane.bitmap_shift =
      kHashBits - static_cast<uint32_t>(std::countr_zero(bitmap.size()));
  lane.salt = salt;
  size_t runs = 0;
  for (uint64_t byte = 0; byte < 256; ++byte) {
    if (lane.MayHave(byte * kOnes)) runs += byte == 0 ? kZerosCount : 1;
  }
  return runs;
}

constexpr uint32_t kSaltsTried = 16;
constexpr uint32_t kSaltFactor = 0x85ebca77;

uint32_t BestSalt(const std::vector<Gram>& grams) {
  uint32_t best = 0;
  size_t fewest = ~size_t{0};
  for (uint32_t i = 1; i <= kSaltsTried && fewest != 0; ++i) {
    const uint32_t salt = i * kSaltFactor;
    const size_t runs = FalseRuns(BitmapOf(grams, salt), salt);
    if (runs < fewest) {
      fewest = runs;
      best = salt;
    }
  }
  return best;
}

GramEntry EntryOf(const Gram& gram, const std::vector<GramLiteral>& literals) {
  const GramLiteral& literal = literals[gram.literal];
  GramEntry entry;
  entry.shift =
      static_cast<uint8_t>(8 * (kGramLiteralBytesMax - literal.length));
  entry.folded = FoldedWord(literal.value) << entry.shift;
  entry.literal = gram.literal;
  entry.distance = gram.distance;
  return entry;
}

LaneVectors LaneOf(const std::vector<Gram>& grams,
                   const std::vector<GramLiteral>& literals, uint32_t salt) {
  LaneVectors lane;
  if (grams.empty()) return lane;
  lane.bitmap = BitmapOf(grams, salt);
  std::vector<HashedEntry> hashed;
  hashed.reserve(grams.size());
  for (const Gram& gram : grams) {
    hashed.push_back({GramHash(gram.word, salt),
                      FollowsOf(gram, literals[gram.literal]),
                      EntryOf(gram, literals)});
  }
  std::stable_sort(hashed.begin(), hashed.end(),
                   [](const HashedEntry& a, const HashedEntry& b) {
                     return a.hash < b.hash;
                   });
  const uint32_t bits = BitsFor(grams.size(), kBucketBitsMin, kBucketBitsMax);
  lane.buckets.resize((size_t{1} << bits) + 1);
  uint32_t last_bucket = 0;
  size_t bucket_begin = 0;
  for (const HashedEntry& one : hashed) {
    const uint32_t bucket = one.hash >> (kHashBits - bits);
    if (bucket != last_bucket) bucket_begin = lane.entries.size();
    last_bucket = bucket;
    lane.buckets[bucket].follows |= one.follows;
    // With another byte in front a gram may look the same here: its place would
    // be reported twice.
    const bool is_known =
        std::any_of(lane.entries.begin() + static_cast<ptrdiff_t>(bucket_begin),
                    lane.entries.end(), [&one](const GramEntry& entry) {
                      return entry.literal == one.entry.literal &&
                             entry.distance == one.entry.distance;
                    });
    if (is_known) continue;
    ++lane.buckets[bucket + 1].begin;
    lane.entries.push_back(one.entry);
  }
  for (size_t i = 1; i < lane.buckets.size(); ++i) {
    lane.buckets[i].begin += lane.buckets[i - 1].begin;
  }
  lane.entries.resize(lane.entries.size() + kGramEntriesAtOnce,
                      lane.entries.back());
  return lane;
}

template <class Record>
void Append(const std::vector<Record>& records, size_t table,
            std::vector<uint64_t>& buffer) {
  static_assert(std::is_trivially_copyable_v<Record>);
  const size_t begin = buffer.size();
  const size_t bytes = records.size() * sizeof(Record);
  buffer.resize(begin + (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t));
  if (bytes != 0) std::memcpy(&buffer[begin], records.data(), bytes);
  buffer[1 + 2 * table] = begin;
  buffer[2 + 2 * table] = records.size();
}

// False: not within the buffer.
template <class Record>
bool View(std::span<const uint64_t> buffer, size_t table,
          std::span<const Record>& view) {
  const uint64_t begin = buffer[1 + 2 * table];
  const uint64_t count = buffer[2 + 2 * table];
  if (begin > buffer.size() ||
      count > (buffer.size() - begin) * sizeof(uint64_t) / sizeof(Record)) {
    return false;
  }
  view = {static_cast<const Record*>(
              static_cast<const void*>(buffer.data() + begin)),
          static_cast<size_t>(count)};
  return true;
}

// Whether the masks pass wherever the literal may be found by its bytes from
// `place` on.
bool DoMasksPassFor(const PairLane& lane, const GramLiteral& literal,
                    uint32_t place) {
  std::vector<uint32_t> words = {0};
  for (uint32_t i = 0; i < lane.masked_bytes; ++i) {
    const uint32_t at = 8 * (place + i);
    const bool is_behind = place + i >= literal.length;
    const uint64_t mask = is_behind ? 0 : literal.mask >> at & 0xff;
    const uint64_t value = is_behind ? 0 : literal.value >> at & 0xff;
    if (!is_behind && mask != 0xff && mask != 0xdf) return false;
    std::vector<uint32_t> longer;
    for (const uint32_t word : words) {
      for (uint32_t byte = 0; byte < 256; ++byte) {
        if ((byte & mask) == value) longer.push_back(word | byte << 8 * i);
      }
    }
    words = std::move(longer);
  }
  return std::all_of(words.begin(), words.end(),
                     [&lane](uint32_t word) { return lane.DoMasksPass(word); });
}

bool AreMasksWhole(const PairLane& lane) {
  if (lane.masks.empty()) return true;
  if (lane.masked_bytes < 2 || lane.masked_bytes > kMaskedBytesMax) {
    return false;
  }
  const size_t set_bytes = PairSetBytes(lane.masked_bytes);
  return lane.masks.size() % set_bytes == 0 &&
         lane.masks.size() <= kPairSetsMax * set_bytes;
}

bool IsPairLaneWhole(const GramFilter& filter) {
  const PairLane& lane = filter.pairs;
  if (lane.entries.empty()) {
    return lane.masks.empty() && lane.map.empty() && lane.buckets.empty();
  }
  if (lane.map.size() != kPairs || lane.buckets.size() != kPairBuckets + 1 ||
      lane.buckets[0] != 0 || lane.buckets.back() != lane.entries.size() ||
      !std::is_sorted(lane.buckets.begin(), lane.buckets.end()) ||
      !AreMasksWhole(lane)) {
    return false;
  }
  return std::all_of(
      lane.entries.begin(), lane.entries.end(),
      [&filter, &lane](const ShortEntry& entry) {
        if (entry.literal() >= filter.literals.size()) return false;
        const GramLiteral& literal = filter.literals[entry.literal()];
        return entry.distance() + kPairLiteralBytesMin <= literal.length &&
               (lane.masks.empty() ||
                DoMasksPassFor(lane, literal, entry.distance()));
      });
}

bool AreSorted(std::span<const GramBucket> buckets) {
  return std::is_sorted(buckets.begin(), buckets.end(),
                        [](const GramBucket& a, const GramBucket& b) {
                          return a.begin < b.begin;
                        });
}

bool IsPowerWithin(size_t size, uint32_t bits_min, uint32_t bits_max) {
  return std::has_single_bit(size) && size >= size_t{1} << bits_min &&
         size <= size_t{1} << bits_max;
}

// Looks at every index. A lane of nothing is whole.
bool IsLaneWhole(GramFilter& filter) {
  GramLane& lane = filter.grams;
  if (lane.entries.empty()) return lane.bitmap.empty() && lane.buckets.empty();
  if (!IsPowerWithin(lane.bitmap.size(), kBitmapBitsMin, kBitmapBitsMax) ||
      lane.buckets.empty() ||
      !IsPowerWithin(lane.buckets.size() - 1, kBucketBitsMin, kBucketBitsMax) ||
      lane.buckets.front().begin != 0 ||
      lane.buckets.back().begin + kGramEntriesAtOnce != lane.entries.size() ||
      !AreSorted(lane.buckets)) {
    return false;
  }
  lane.bitmap_shift =
      kHashBits - static_cast<uint32_t>(std::countr_zero(lane.bitmap.size()));
  lane.bucket_shift =
      kHashBits -
      static_cast<uint32_t>(std::countr_zero(lane.buckets.size() - 1));
  return std::all_of(lane.entries.begin(), lane.entries.end(),
                     [&](const GramEntry& entry) {
                       return entry.literal < filter.literals.size() &&
                              entry.distance <= kGramStride &&
                              entry.distance + kGramBytesMin <=
                                  filter.literals[entry.literal].length + 1 &&
                              entry.shift < 8 * sizeof(entry.folded);
                     });
}

}  // namespace

Result<GramFilter> GramFilter::Open(std::span<const uint64_t> buffer,
                                    size_t triggers) {
  if (buffer.size() < kHeadWords || buffer[0] != HeadWord()) {
    return Fail(ErrorCode::kInvalidInput, "gram filter: another version");
  }
  GramFilter filter;
  size_t table = 0;
  bool is_whole = View(buffer, table++, filter.literals);
  is_whole = View(buffer, table++, filter.grams.bitmap) && is_whole;
  is_whole = View(buffer, table++, filter.grams.buckets) && is_whole;
  is_whole = View(buffer, table++, filter.grams.entries) && is_whole;
  is_whole = View(buffer, table++, filter.pairs.map) && is_whole;
  is_whole = View(buffer, table++, filter.pairs.buckets) && is_whole;
  is_whole = View(buffer, table++, filter.pairs.entries) && is_whole;
  is_whole = View(buffer, table++, filter.pairs.masks) && is_whole;
  if (!is_whole) {
    return Fail(ErrorCode::kInvalidInput, "gram filter: cut off");
  }
  const auto is_literal = [triggers](const GramLiteral& literal) {
    return literal.trigger < triggers &&
           literal.length >= kPairLiteralBytesMin &&
           literal.length <= kGramLiteralBytesMax;
  };
  filter.grams.salt = static_cast<uint32_t>(buffer[kSaltWord]);
  filter.pairs.masked_bytes = static_cast<uint32_t>(buffer[kMaskedBytesWord]);
  const bool is_right =
      std::all_of(filter.literals.begin(), filter.literals.end(), is_literal) &&
      IsPairLaneWhole(filter) && IsLaneWhole(filter);
  if (!is_right) {
    return Fail(ErrorCode::kInvalidInput, "gram filter: a wrong index");
  }
  return filter;
}

namespace {

// Whether a byte is one that folding makes (GramHash).
bool IsFolded(unsigned byte) { return (byte & 0x60U) != 0x40; }

void AddGrams(const GramText& text, uint32_t literal,
              std::vector<Gram>& grams) {
  const size_t length = text.bytes.size();
  assert(length >= kGramLiteralBytesMin);
  Gram gram;
  gram.literal = literal;
  for (size_t i = 0; i < GramsWithin(length); ++i) {
    gram.word = GramWord(text.bytes.subspan(i));
    gram.has_fifth = i + kGramBytes <= length;
    gram.distance = static_cast<uint8_t>(i + 1);
    grams.push_back(gram);
  }
  if (length >= kGramInnerBytesMin) return;
  const uint64_t behind = GramWord(text.bytes) << 8U;
  gram.has_fifth = true;
  gram.distance = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (!IsFolded(byte)) continue;
    gram.word = behind | byte;
    grams.push_back(gram);
  }
}

}  // namespace

std::vector<uint64_t> PackGramFilter(const std::vector<GramText>& texts,
                                     PairRates rates) {
  assert(texts.size() <= kGramLiteralsMax);
  std::vector<GramLiteral> literals;
  std::vector<Gram> grams;
  std::vector<uint32_t> by_pair;
  for (const GramText& text : texts) {
    assert(text.bytes.size() <= kGramLiteralBytesMax);
    const auto literal = static_cast<uint32_t>(literals.size());
    literals.push_back(LiteralOf(text));
    if (text.is_by_pair) {
      by_pair.push_back(literal);
    } else {
      AddGrams(text, literal, grams);
    }
  }
  std::vector<uint64_t> buffer(kHeadWords);
  buffer[0] = HeadWord();
  size_t table = 0;
  Append(literals, table++, buffer);
  const uint32_t salt = BestSalt(grams);
  const LaneVectors lane = LaneOf(grams, literals, salt);
  buffer[kSaltWord] = salt;
  Append(lane.bitmap, table++, buffer);
  Append(lane.buckets, table++, buffer);
  Append(lane.entries, table++, buffer);
  const PairLaneTables pairs = PairLaneOf(texts, by_pair, rates);
  buffer[kMaskedBytesWord] = pairs.masked_bytes;
  Append(pairs.map, table++, buffer);
  Append(pairs.buckets, table++, buffer);
  Append(pairs.entries, table++, buffer);
  Append(pairs.masks, table++, buffer);
  return buffer;
}

}  // namespace gatehouse
