// With AVX2: eight grams at once, their words of the bitmap gathered; rows of
// few literals at 32 places at once.
//
// AVX-512 was no faster where it was measured: the gathers are what takes time
// (docs/decisions/0020-grams-before-hyperscan.md).
#include <immintrin.h>

#include <array>
#include <bit>
#include <cassert>

#include "engine/matching/gram_blocks.h"

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

[[gnu::target("avx2,popcnt")]] inline __m256i LoadHalves(const uint8_t* low,
                                                         const uint8_t* high) {
  __m128i halves[2];
  std::memcpy(&halves[0], low, sizeof(halves[0]));
  std::memcpy(&halves[1], high, sizeof(halves[1]));
  return _mm256_set_m128i(halves[1], halves[0]);
}

[[gnu::target("avx2,popcnt")]] inline __m256i All(uint32_t value) {
  return _mm256_set1_epi32(static_cast<int>(value));
}

// GramHash of eight grams, by their first four bytes.
[[gnu::target("avx2,popcnt")]] inline __m256i Hashes(__m256i words,
                                                     __m256i salt) {
  const __m256i fold =
      _mm256_and_si256(_mm256_srli_epi32(words, 1), All(kGramFold));
  __m256i hash =
      _mm256_mullo_epi32(_mm256_or_si256(words, fold), All(kGramFactor1));
  hash = _mm256_add_epi32(hash, salt);
  hash = _mm256_xor_si256(hash, _mm256_srli_epi32(hash, 15));
  return _mm256_mullo_epi32(hash, All(kGramFactor2));
}

// Whether both GramBits are set in the words of the bitmap, a bit each.
[[gnu::target("avx2,popcnt")]] inline unsigned HaveBits(__m256i words,
                                                        __m256i hashes,
                                                        __m256i fifth) {
  const __m256i five_bits = All(31);
  const __m256i first = _mm256_add_epi32(hashes, fifth);
  const __m256i second =
      _mm256_add_epi32(_mm256_srli_epi32(hashes, 5),
                       _mm256_and_si256(_mm256_srli_epi32(fifth, 6), All(3)));
  const __m256i both = _mm256_and_si256(
      _mm256_srlv_epi32(words, _mm256_and_si256(first, five_bits)),
      _mm256_srlv_epi32(words, _mm256_and_si256(second, five_bits)));
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

[[gnu::target("avx2,popcnt")]] size_t FindWithAvx2(const GramLane& lane,
                                                   ByteView bytes, size_t end,
                                                   uint32_t* places) {
  assert(end <= kGramBlockBytes);
  const int* const bitmap =
      static_cast<const int*>(static_cast<const void*>(lane.bitmap.data()));
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
        _mm256_i32gather_epi32(bitmap, _mm256_srl_epi32(hashes, shift), 4);
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

// Sixteen values, twice: a shuffle looks them up in each half of a vector.
[[gnu::target("avx2")]] inline __m256i Twice(const uint8_t* values) {
  __m128i half;
  std::memcpy(&half, values, sizeof(half));
  return _mm256_broadcastsi128_si256(half);
}

// The buckets whose rows have at `place` what stands from `bytes` on.
[[gnu::target("avx2")]] inline __m256i BucketsAt(const FewLane& lane,
                                                 size_t place,
                                                 const uint8_t* bytes) {
  const uint8_t* const halves = lane.masks.data() + place * 2 * kHalfValues;
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i block = Load(bytes);
  const __m256i low = _mm256_and_si256(block, nibble);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(block, 4), nibble);
  return _mm256_and_si256(
      _mm256_shuffle_epi8(Twice(halves), low),
      _mm256_shuffle_epi8(Twice(halves + kHalfValues), high));
}

[[gnu::target("avx2")]] size_t FindFewWithAvx2(const FewLane& lane,
                                               ByteView bytes, size_t end,
                                               uint32_t* places) {
  assert(end <= kGramBlockBytes && end + kFewBytes - 1 <= bytes.size());
  size_t found = 0;
  size_t at = 0;
  for (; at + kVectorBytes <= end; at += kVectorBytes) {
    const uint8_t* const from = bytes.data() + at;
    const __m256i buckets =
        _mm256_and_si256(_mm256_and_si256(BucketsAt(lane, 0, from),
                                          BucketsAt(lane, 1, from + 1)),
                         BucketsAt(lane, 2, from + 2));
    const auto none = static_cast<uint32_t>(_mm256_movemask_epi8(
        _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256())));
    for (uint32_t set = ~none; set != 0; set &= set - 1) {
      places[found++] = static_cast<uint32_t>(at) +
                        static_cast<uint32_t>(std::countr_zero(set));
    }
  }
  const size_t rest =
      FindFewAnywhere(lane, bytes.subspan(at), end - at, places + found);
  for (size_t i = 0; i < rest; ++i) {
    places[found + i] += static_cast<uint32_t>(at);
  }
  return found + rest;
}

}  // namespace

std::span<const GramBlocks> AvailableGramBlocks() {
  static constexpr std::array<GramBlocks, 2> kBlocks = {
      {{"avx2", FindWithAvx2, FindFewWithAvx2},
       {"portable", FindGramsAnywhere, FindFewAnywhere}}};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 &&
                               __builtin_cpu_supports("popcnt") != 0;
  return std::span(kBlocks).subspan(has_avx2 ? 0 : 1);
}

}  // namespace gatehouse
