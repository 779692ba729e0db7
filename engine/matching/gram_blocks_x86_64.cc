// With AVX2: eight grams at once; masks of pairs at 32 places at once.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "engine/matching/gram_blocks.h"
#include "engine/matching/gram_blocks_avx512.h"
#include "engine/matching/gram_places.h"
#include "engine/matching/pair_places.h"

namespace gatehouse {
namespace {

constexpr size_t kGramsAtOnce = 8;
constexpr size_t kVectorBytes = sizeof(__m256i);
constexpr size_t kLookedBytes = kGramsAtOnce * kGramStride;

// For each set of eight grams: where those in it stand, in order.
constexpr std::array<std::array<uint8_t, kGramsAtOnce>, 256> MakeMembers() {
  std::array<std::array<uint8_t, kGramsAtOnce>, 256> members = {};
  for (unsigned set = 0; set < 256; ++set) {
    size_t count = 0;
    for (uint8_t i = 0; i < kGramsAtOnce; ++i) {
      if ((set >> i & 1) == 0) continue;
      members.at(set).at(count++) = static_cast<uint8_t>(i * kGramStride);
    }
  }
  return members;
}

constexpr auto kMembers = MakeMembers();

[[gnu::target("avx2,popcnt")]] inline __m256i Load(const uint8_t* bytes) {
  __m256i block;
  std::memcpy(&block, bytes, sizeof(block));
  return block;
}

[[gnu::target("avx2,popcnt")]] inline __m128i LoadHalf(const void* bytes) {
  __m128i half;
  std::memcpy(&half, bytes, sizeof(half));
  return half;
}

[[gnu::target("avx2,popcnt")]] inline __m256i LoadHalves(const void* low,
                                                         const void* high) {
  return _mm256_set_m128i(LoadHalf(high), LoadHalf(low));
}

[[gnu::target("avx2,popcnt")]] inline __m256i All(uint32_t value) {
  return _mm256_set1_epi32(static_cast<int>(value));
}

// GramHash of eight grams, by their first four bytes.
[[gnu::target("avx2,popcnt")]] inline __m256i Hashes(__m256i words,
                                                     __m256i salt) {
  const __m256i fold =
      _mm256_and_si256(_mm256_srli_epi32(words, 1), All(kGramFold));
  const __m256i hash = _mm256_mullo_epi32(
      _mm256_xor_si256(_mm256_or_si256(words, fold), salt), All(kGramFactor));
  return _mm256_xor_si256(hash, _mm256_srli_epi32(hash, 15));
}

// How the words of the bitmap are fetched: what is faster depends on the
// processor, and on its microcode.
enum class Fetch : uint8_t { kOneByOne, kGathered };

// The words with these indices.
template <Fetch kFetch>
[[gnu::target("avx2,popcnt")]] inline __m256i WordsAt(const uint32_t* bitmap,
                                                      __m256i indices) {
  if constexpr (kFetch == Fetch::kGathered) {
    const void* const words = bitmap;
    return _mm256_i32gather_epi32(static_cast<const int*>(words), indices,
                                  sizeof(uint32_t));
  }
  std::array<uint32_t, kGramsAtOnce> at;
  std::memcpy(at.data(), &indices, sizeof(indices));
  const auto word = [bitmap, &at](size_t i) {
    return static_cast<int>(bitmap[at[i]]);
  };
  __m128i low = _mm_cvtsi32_si128(word(0));
  low = _mm_insert_epi32(low, word(1), 1);
  low = _mm_insert_epi32(low, word(2), 2);
  low = _mm_insert_epi32(low, word(3), 3);
  __m128i high = _mm_cvtsi32_si128(word(4));
  high = _mm_insert_epi32(high, word(5), 1);
  high = _mm_insert_epi32(high, word(6), 2);
  high = _mm_insert_epi32(high, word(7), 3);
  return _mm256_set_m128i(high, low);
}

// Whether both GramBits are set in the words of the bitmap, a bit each.
[[gnu::target("avx2,popcnt")]] inline unsigned HaveBits(__m256i words,
                                                        __m256i hashes,
                                                        __m256i fifth) {
  const __m256i four_bits = All(15);
  const __m256i lower = _mm256_add_epi32(hashes, fifth);
  const __m256i upper = _mm256_srli_epi32(hashes, 4);
  const __m256i both = _mm256_and_si256(
      _mm256_srlv_epi32(words, _mm256_and_si256(lower, four_bits)),
      _mm256_srlv_epi32(_mm256_srli_epi32(words, 16),
                        _mm256_and_si256(upper, four_bits)));
  return static_cast<unsigned>(
      _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(both, 31))));
}

// Writes the places of those in the set, from `at` on, and returns how many.
[[gnu::target("avx2,popcnt")]] inline size_t Write(unsigned set, size_t at,
                                                   uint32_t* places) {
  const __m256i members =
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(
          static_cast<const void*>(kMembers[set].data()))));
  const __m256i all = _mm256_add_epi32(members, All(static_cast<uint32_t>(at)));
  std::memcpy(places, &all, sizeof(all));
  return static_cast<size_t>(std::popcount(set));
}

template <Fetch kFetch>
[[gnu::target("avx2,popcnt")]] size_t FindWithAvx2(const GramLane& lane,
                                                   ByteView bytes, size_t end,
                                                   uint32_t* places) {
  assert(end <= kGramBlockBytes);
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(lane.bitmap_shift));
  const __m256i salt = All(lane.salt);
  // Of each half four grams, and their fifth bytes.
  const __m256i grams = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12));
  const __m256i fifths = _mm256_broadcastsi128_si256(_mm_setr_epi8(
      4, -1, -1, -1, 7, -1, -1, -1, 10, -1, -1, -1, 13, -1, -1, -1));
  size_t found = 0;
  size_t at = 0;
  // From the last place on there are eight bytes.
  for (; at + kLookedBytes <= end; at += kLookedBytes) {
    const uint8_t* const from = bytes.data() + at;
    const __m256i block = LoadHalves(from, from + kLookedBytes / 2);
    const __m256i hashes = Hashes(_mm256_shuffle_epi8(block, grams), salt);
    const __m256i words =
        WordsAt<kFetch>(lane.bitmap.data(), _mm256_srl_epi32(hashes, shift));
    const __m256i fifth = _mm256_shuffle_epi8(block, fifths);
    found += Write(HaveBits(words, hashes, fifth), at, places + found);
  }
  const size_t rest =
      FindGramsAnywhere(lane, bytes.subspan(at), end - at, places + found);
  for (size_t i = 0; i < rest; ++i) {
    places[found + i] += static_cast<uint32_t>(at);
  }
  return found + rest;
}

// The eight bytes that begin `distance` bytes before the byte behind a place,
// for distances from 0 to 3; of 16 bytes, of which the first stands
// kGramBytesInFront before the place.
constexpr std::array<uint8_t, kVectorBytes> kWindows = {
    3, 4, 5, 6, 7, 8, 9, 10, 2, 3, 4, 5, 6, 7, 8, 9,
    1, 2, 3, 4, 5, 6, 7, 8,  0, 1, 2, 3, 4, 5, 6, 7};
static_assert(kGramBytesInFront == 2 && kGramStride == 3);
constexpr size_t kWindowBytes = sizeof(__m128i) - kGramBytesInFront;

// GramLane::MayBeAt, of four entries at once. There must be kWindowBytes from
// the place on.
[[gnu::target("avx2,popcnt")]] inline uint32_t MayBeAt(const GramEntry* entries,
                                                       const uint8_t* place) {
  static_assert(kGramEntriesAtOnce == 4 && sizeof(GramEntry) == 16);
  const __m128i around = LoadHalf(place - kGramBytesInFront);
  const __m256i words = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(around),
                                            Load(kWindows.data()));
  const __m256i fold =
      _mm256_and_si256(_mm256_srli_epi64(words, 1), All(kGramFold));
  const __m256i folded = _mm256_or_si256(words, fold);
  // Their literals' bytes, and what else they have.
  const __m256i even = LoadHalves(entries, entries + 2);
  const __m256i odd = LoadHalves(entries + 1, entries + 3);
  const __m256i literals = _mm256_unpacklo_epi64(even, odd);
  const __m256i others = _mm256_unpackhi_epi64(even, odd);
  // The distance, twice, is the number of the word's first half.
  const __m256i twice = _mm256_and_si256(_mm256_srli_epi64(others, 31), All(6));
  const __m256i halves =
      _mm256_or_si256(_mm256_shuffle_epi32(twice, _MM_SHUFFLE(2, 2, 0, 0)),
                      _mm256_set1_epi64x(int64_t{1} << 32));
  const __m256i shift =
      _mm256_and_si256(_mm256_srli_epi64(others, 40), _mm256_set1_epi64x(0xff));
  const __m256i standing =
      _mm256_sllv_epi64(_mm256_permutevar8x32_epi32(folded, halves), shift);
  return static_cast<uint32_t>(_mm256_movemask_pd(
      _mm256_castsi256_pd(_mm256_cmpeq_epi64(standing, literals))));
}

[[gnu::target("avx2,popcnt")]] size_t KeepWithAvx2(
    const GramLane& lane, const GramBlock& block,
    std::span<const uint32_t> places, GramRoom& room) {
  const size_t following =
      FollowGrams(lane, block, places, room.followed.data());
  const GramEntry* const entries = lane.entries.data();
  size_t found = 0;
  for (const GramPlace& one : std::span(room.followed).first(following)) {
    const bool is_amid = IsAmid(block, one, kWindowBytes);
    GramMatch* const matches = RoomFor(one, found, room);
    for (uint32_t k = one.first; k < one.last; k += kGramEntriesAtOnce) {
      uint32_t which = AllOf(one.last - k);
      if (is_amid) [[likely]] {
        which &= MayBeAt(entries + k, &block.bytes[block.begin + one.place]);
      }
      matches[found] = {one.place, k, which};
      found += which != 0 ? 1U : 0U;
    }
  }
  return found;
}

// Sixteen values, twice: a shuffle looks them up in each half of a vector.
[[gnu::target("avx2,bmi,popcnt")]] inline __m256i Twice(const uint8_t* values) {
  __m128i half;
  std::memcpy(&half, values, sizeof(half));
  return _mm256_broadcastsi128_si256(half);
}

// Masks of a PairLane, a vector for each of their rows of values.
template <size_t kSets, size_t kMaskedBytes>
struct PairMasks {
  __m256i rows[kSets * PairSetBytes(kMaskedBytes) / kHalfValues];
};

// Groups that have a byte, by the rows of its halves.
[[gnu::target("avx2,bmi,popcnt")]] inline __m256i GroupsOfByte(
    const __m256i* rows, __m256i byte) {
  const __m256i half = _mm256_set1_epi8(15);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(byte, 4), half);
  return _mm256_and_si256(
      _mm256_shuffle_epi8(rows[0], _mm256_and_si256(byte, half)),
      _mm256_shuffle_epi8(rows[1], high));
}

// Groups that have what stands at each of the 32 places from `bytes` on.
template <size_t kMaskedBytes>
[[gnu::target("avx2,bmi,popcnt")]] inline __m256i GroupsOfBytes(
    const __m256i* rows, const uint8_t* bytes) {
  static_assert(kMaskedBytes == 2 || kMaskedBytes == 3);
  const __m256i pair = _mm256_and_si256(
      GroupsOfByte(rows, Load(bytes)), GroupsOfByte(rows + 2, Load(bytes + 1)));
  if constexpr (kMaskedBytes == 2) return pair;
  return _mm256_and_si256(pair, GroupsOfByte(rows + 4, Load(bytes + 2)));
}

// A bit for each of the 32 places from `bytes` on where the masks let what
// stands there through. Without a loop: not every compiler unrolls it.
template <size_t kSets, size_t kMaskedBytes>
[[gnu::target("avx2,bmi,popcnt")]] inline uint32_t PassOfPairs(
    const PairMasks<kSets, kMaskedBytes>& masks, const uint8_t* bytes) {
  static_assert(kSets == 1 || kSets == 2);
  constexpr size_t kRows = 2 * kMaskedBytes;
  __m256i groups = GroupsOfBytes<kMaskedBytes>(masks.rows, bytes);
  if constexpr (kSets == 2) {
    groups = _mm256_or_si256(
        groups, GroupsOfBytes<kMaskedBytes>(masks.rows + kRows, bytes));
  }
  return ~static_cast<uint32_t>(
      _mm256_movemask_epi8(_mm256_cmpeq_epi8(groups, _mm256_setzero_si256())));
}

template <size_t kSets, size_t kMaskedBytes>
[[gnu::target("avx2,bmi,popcnt")]] size_t FindPairsWithMasks(
    const PairLane& lane, ByteView bytes, size_t end, uint32_t* places) {
  PairMasks<kSets, kMaskedBytes> masks;
  const uint8_t* values = lane.masks.data();
  for (__m256i& row : masks.rows) {
    row = Twice(values);
    values += kHalfValues;
  }
  size_t passed = 0;
  size_t at = 0;
  // Behind the last place as many bytes are looked at as behind any.
  const size_t last = std::min(end, bytes.size() - (kMaskedBytes - 1));
  for (; at + 2 * kVectorBytes <= last; at += 2 * kVectorBytes) {
    const uint8_t* const from = bytes.data() + at;
    const uint64_t low = PassOfPairs(masks, from);
    const uint64_t high = PassOfPairs(masks, from + kVectorBytes);
    if constexpr (kSets == 1 && kMaskedBytes == 2) {
      if ((low | high) == 0) continue;
    }
    passed += WriteBits<PairsAtOnce(kSets, kMaskedBytes)>(
        low | high << kVectorBytes, at, places + passed);
  }
  return KeepPairs(lane, bytes, {at, end}, passed, places);
}

struct ByAvx2 {
  template <size_t kSets, size_t kMaskedBytes>
  static size_t Find(const PairLane& lane, ByteView bytes, size_t end,
                     uint32_t* places) {
    return FindPairsWithMasks<kSets, kMaskedBytes>(lane, bytes, end, places);
  }
};

size_t FindPairsWithAvx2(const PairLane& lane, ByteView bytes, size_t end,
                         uint32_t* places) {
  return FindPairsBy<ByAvx2>(lane, bytes, end, places);
}

}  // namespace

std::span<const GramBlocks> AvailableGramBlocks() {
  static constexpr std::array<GramBlocks, 4> kBlocks = {
      {{"avx512", FindGramsWithAvx512, KeepWithAvx2, FindPairsWithAvx512},
       {"avx2_gathered", FindWithAvx2<Fetch::kGathered>, KeepWithAvx2,
        FindPairsWithAvx2},
       {"avx2", FindWithAvx2<Fetch::kOneByOne>, KeepWithAvx2,
        FindPairsWithAvx2},
       {"portable", FindGramsAnywhere, KeepGramsAnywhere, FindPairsAnywhere}}};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 &&
                               __builtin_cpu_supports("bmi") != 0 &&
                               __builtin_cpu_supports("popcnt") != 0;
  static const bool has_avx512 = has_avx2 && HasAvx512Bytes();
  if (!has_avx2) return std::span(kBlocks).last(1);
  return std::span(kBlocks).subspan(has_avx512 ? 0 : 1);
}

}  // namespace gatehouse
