// With AVX-512: sixteen grams at once, whose words of the bitmap are gathered.
//
// On some processors that is the fastest by far, and on others not as fast as
// to fetch the words one by one
// (docs/decisions/0020-grams-before-hyperscan.md).
#include "engine/matching/gram_blocks_avx512.h"

// GCC 12 takes the "undefined" operands of its own intrinsics for mistakes
// (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

#include "engine/format/fetch_ahead.h"
#include "engine/matching/pair_places.h"

namespace gatehouse {
namespace {

constexpr size_t kGramsAtOnce = 16;
constexpr size_t kLookedBytes = kGramsAtOnce * kGramStride;
static_assert(kGramPlacesMax >= kGramBlockBytes / kGramStride + kGramsAtOnce);

// Which byte of a block goes where.
using Order = std::array<uint8_t, sizeof(__m512i)>;

// Of each gram its first four bytes.
constexpr Order MakeGramsOrder() {
  Order order = {};
  for (size_t i = 0; i < order.size(); ++i) {
    order.at(i) = static_cast<uint8_t>(i / 4 * kGramStride + i % 4);
  }
  return order;
}

// Of each gram the fifth. What is above it counts for nothing: only four bits
// of a sum are looked at.
constexpr Order MakeFifthsOrder() {
  Order order = {};
  for (size_t i = 0; i < order.size(); ++i) {
    order.at(i) = static_cast<uint8_t>(i / 4 * kGramStride + kGramBytes - 1);
  }
  return order;
}

constexpr Order kGramsOrder = MakeGramsOrder();
constexpr Order kFifthsOrder = MakeFifthsOrder();

[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] inline __m512i Load(
    const void* bytes) {
  return _mm512_loadu_si512(bytes);
}

[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] inline __m512i All(
    uint32_t value) {
  return _mm512_set1_epi32(static_cast<int>(value));
}

// GramHash of sixteen grams, by their first four bytes.
[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] inline __m512i Hashes(
    __m512i words, __m512i salt) {
  const __m512i fold =
      _mm512_and_si512(_mm512_srli_epi32(words, 1), All(kGramFold));
  const __m512i hash = _mm512_mullo_epi32(
      _mm512_xor_si512(_mm512_or_si512(words, fold), salt), All(kGramFactor));
  return _mm512_xor_si512(hash, _mm512_srli_epi32(hash, 15));
}

// Whether both GramBits are set in the words of the bitmap, a bit each.
[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] inline __mmask16
HaveBits(__m512i words, __m512i hashes, __m512i fifth) {
  const __m512i four_bits = All(15);
  const __m512i lower =
      _mm512_and_si512(_mm512_add_epi32(hashes, fifth), four_bits);
  const __m512i upper =
      _mm512_and_si512(_mm512_srli_epi32(hashes, 4), four_bits);
  const __m512i both =
      _mm512_and_si512(_mm512_srlv_epi32(words, lower),
                       _mm512_srlv_epi32(_mm512_srli_epi32(words, 16), upper));
  return _mm512_test_epi32_mask(both, All(1));
}

// Sixteen values, four times: a shuffle looks them up in each quarter of a
// vector.
[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] inline __m512i
FourTimes(const uint8_t* values) {
  __m128i quarter;
  std::memcpy(&quarter, values, sizeof(quarter));
  return _mm512_broadcast_i32x4(quarter);
}

// Masks of a PairLane, a vector for each of their rows of values.
template <size_t kSets, size_t kMaskedBytes>
struct PairMasks {
  __m512i rows[kSets * PairSetBytes(kMaskedBytes) / kHalfValues];
};

// Groups that have a byte, by the rows of its halves.
[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] inline __m512i
GroupsOfByte(const __m512i* rows, __m512i byte) {
  const __m512i half = _mm512_set1_epi8(15);
  const __m512i high = _mm512_and_si512(_mm512_srli_epi16(byte, 4), half);
  return _mm512_and_si512(
      _mm512_shuffle_epi8(rows[0], _mm512_and_si512(byte, half)),
      _mm512_shuffle_epi8(rows[1], high));
}

// Groups that have what stands at each of the 64 places from `bytes` on.
template <size_t kMaskedBytes>
[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] inline __m512i
GroupsOfBytes(const __m512i* rows, const uint8_t* bytes) {
  static_assert(kMaskedBytes == 2 || kMaskedBytes == 3);
  const __m512i pair = _mm512_and_si512(
      GroupsOfByte(rows, Load(bytes)), GroupsOfByte(rows + 2, Load(bytes + 1)));
  if constexpr (kMaskedBytes == 2) return pair;
  return _mm512_and_si512(pair, GroupsOfByte(rows + 4, Load(bytes + 2)));
}

// A bit for each of these places where the masks let what stands there through.
template <size_t kSets, size_t kMaskedBytes>
[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] inline uint64_t
PassOfPairs(const PairMasks<kSets, kMaskedBytes>& masks, const uint8_t* bytes) {
  static_assert(kSets == 1 || kSets == 2);
  constexpr size_t kRows = 2 * kMaskedBytes;
  __m512i groups = GroupsOfBytes<kMaskedBytes>(masks.rows, bytes);
  if constexpr (kSets == 2) {
    groups = _mm512_or_si512(
        groups, GroupsOfBytes<kMaskedBytes>(masks.rows + kRows, bytes));
  }
  return _mm512_test_epi8_mask(groups, groups);
}

template <size_t kSets, size_t kMaskedBytes>
[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] size_t
FindPairsWithMasks(const PairLane& lane, ByteView bytes, size_t end,
                   uint32_t* places) {
  PairMasks<kSets, kMaskedBytes> masks;
  const uint8_t* values = lane.masks.data();
  for (__m512i& row : masks.rows) {
    row = FourTimes(values);
    values += kHalfValues;
  }
  size_t passed = 0;
  size_t at = 0;
  // Behind the last place as many bytes are looked at as behind any.
  const size_t last = std::min(end, bytes.size() - (kMaskedBytes - 1));
  for (; at + sizeof(__m512i) <= last; at += sizeof(__m512i)) {
    const uint64_t pass = PassOfPairs(masks, bytes.data() + at);
    if constexpr (kSets == 1 && kMaskedBytes == 2) {
      if (pass == 0) continue;
    }
    passed +=
        WriteBits<PairsAtOnce(kSets, kMaskedBytes)>(pass, at, places + passed);
  }
  return KeepPairs(lane, bytes, {at, end}, passed, places);
}

struct ByAvx512 {
  template <size_t kSets, size_t kMaskedBytes>
  static size_t Find(const PairLane& lane, ByteView bytes, size_t end,
                     uint32_t* places) {
    return FindPairsWithMasks<kSets, kMaskedBytes>(lane, bytes, end, places);
  }
};

// A bit for each of the lowest `count`.
uint64_t Lowest(size_t count) {
  return count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

}  // namespace

[[gnu::target("avx512f,avx512bw,avx512vbmi,bmi,popcnt")]] size_t
FindGramsWithAvx512(const GramLane& lane, ByteView bytes, size_t end,
                    uint32_t* places) {
  assert(end <= kGramBlockBytes);
  const __m128i shift = _mm_cvtsi32_si128(static_cast<int>(lane.bitmap_shift));
  const __m512i salt = All(lane.salt);
  const __m512i grams_order = Load(kGramsOrder.data());
  const __m512i fifths_order = Load(kFifthsOrder.data());
  const uint32_t* const bitmap = lane.bitmap.data();
  __m512i here = _mm512_mullo_epi32(
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
      All(kGramStride));
  size_t found = 0;
  for (size_t at = 0; at < end; at += kLookedBytes) {
    const size_t grams =
        std::min(kGramsAtOnce, (end - at + kGramStride - 1) / kGramStride);
    // From the last place on there are eight bytes.
    const size_t readable =
        std::min(sizeof(__m512i), (grams - 1) * kGramStride + kGramWordBytes);
    FetchAhead(bytes.data() + at);
    const __m512i block =
        _mm512_maskz_loadu_epi8(Lowest(readable), bytes.data() + at);
    const __m512i hashes =
        Hashes(_mm512_permutexvar_epi8(grams_order, block), salt);
    const __m512i words =
        _mm512_i32gather_epi32(_mm512_srl_epi32(hashes, shift), bitmap, 4);
    const __m512i fifth = _mm512_permutexvar_epi8(fifths_order, block);
    const auto have =
        static_cast<__mmask16>(HaveBits(words, hashes, fifth) & Lowest(grams));
    _mm512_storeu_si512(places + found,
                        _mm512_maskz_compress_epi32(have, here));
    found += static_cast<size_t>(std::popcount(unsigned{have}));
    here = _mm512_add_epi32(here, All(kLookedBytes));
  }
  return found;
}

size_t FindPairsWithAvx512(const PairLane& lane, ByteView bytes, size_t end,
                           uint32_t* places) {
  return FindPairsBy<ByAvx512>(lane, bytes, end, places);
}

bool HasAvx512Bytes() {
  return __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512vbmi") != 0;
}

}  // namespace gatehouse
