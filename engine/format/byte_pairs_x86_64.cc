// With AVX2, where the processor has it.
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/format/byte_pairs.h"
#include "engine/format/fetch_ahead.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = sizeof(__m256i);

[[gnu::target("avx2")]] inline __m256i Load(const char* bytes) {
  __m256i block;
  std::memcpy(&block, bytes, sizeof(block));
  return block;
}

[[gnu::target("avx2")]] inline __m256i Table(
    const std::array<uint8_t, 16>& bytes) {
  __m128i table;
  std::memcpy(&table, bytes.data(), sizeof(table));
  return _mm256_broadcastsi128_si256(table);
}

[[gnu::target("avx2")]] inline __m256i UpperHalves(__m256i bytes) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
}

// What tables say of the halves of each byte, together.
[[gnu::target("avx2")]] inline __m256i BitsOf(__m256i low, __m256i high,
                                              __m256i bytes) {
  const __m256i lower = _mm256_and_si256(bytes, _mm256_set1_epi8(15));
  return _mm256_and_si256(_mm256_shuffle_epi8(low, lower),
                          _mm256_shuffle_epi8(high, UpperHalves(bytes)));
}

// A bit for each place of the block where the pair stands.
[[gnu::target("avx2")]] inline uint32_t PlacesOf(__m256i first, __m256i low,
                                                 __m256i high,
                                                 const char* block) {
  const __m256i is_none = _mm256_cmpeq_epi8(BitsOf(low, high, Load(block + 1)),
                                            _mm256_setzero_si256());
  const __m256i is_first = _mm256_cmpeq_epi8(Load(block), first);
  return static_cast<uint32_t>(
      _mm256_movemask_epi8(_mm256_andnot_si256(is_none, is_first)));
}

// Of texts that are longer than a block.
[[gnu::target("avx2")]] size_t FindByAvx2(const BytePair& pair,
                                          std::string_view text, size_t from) {
  const __m256i first = _mm256_set1_epi8(static_cast<char>(pair.first));
  const __m256i low = Table(pair.low);
  const __m256i high = Table(pair.high);
  // Most texts have the first byte nowhere, or rarely.
  for (; from + 2 * kBlockBytes < text.size(); from += 2 * kBlockBytes) {
    const char* const block = text.data() + from;
    FetchAhead(block);
    const __m256i is_first =
        _mm256_or_si256(_mm256_cmpeq_epi8(Load(block), first),
                        _mm256_cmpeq_epi8(Load(block + kBlockBytes), first));
    if (_mm256_testz_si256(is_first, is_first) != 0) continue;
    const uint64_t found =
        PlacesOf(first, low, high, block) |
        uint64_t{PlacesOf(first, low, high, block + kBlockBytes)}
            << kBlockBytes;
    if (found != 0) return from + static_cast<size_t>(std::countr_zero(found));
  }
  for (; from + 1 < text.size(); from += kBlockBytes) {
    // The last block begins so that it ends with the text.
    const size_t begin = std::min(from, text.size() - 1 - kBlockBytes);
    const uint32_t found =
        PlacesOf(first, low, high, text.data() + begin) >> (from - begin);
    if (found != 0) return from + static_cast<size_t>(std::countr_zero(found));
  }
  return std::string_view::npos;
}

// As above.
[[gnu::target("avx2")]] unsigned PairsInByAvx2(const BytePairs& pairs,
                                               std::string_view text) {
  const __m256i first_low = Table(pairs.first().low);
  const __m256i first_high = Table(pairs.first().high);
  const __m256i second_low = Table(pairs.second().low);
  const __m256i second_high = Table(pairs.second().high);
  __m256i found = _mm256_setzero_si256();
  for (size_t from = 0; from + 1 < text.size(); from += kBlockBytes) {
    const char* const block =
        text.data() + std::min(from, text.size() - 1 - kBlockBytes);
    const __m256i bits =
        _mm256_and_si256(BitsOf(first_low, first_high, Load(block)),
                         BitsOf(second_low, second_high, Load(block + 1)));
    found = _mm256_or_si256(found, bits);
  }
  std::array<uint64_t, 4> words = {};
  std::memcpy(words.data(), &found, sizeof(found));
  uint64_t all = words[0] | words[1] | words[2] | words[3];
  all |= all >> 32;
  all |= all >> 16;
  all |= all >> 8;
  return static_cast<unsigned>(all & 0xff);
}

bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

}  // namespace

size_t FindPair(const BytePair& pair, std::string_view text, size_t from) {
  return HasAvx2() && text.size() > kBlockBytes
             ? FindByAvx2(pair, text, from)
             : FindPairAnywhere(pair, text, from);
}

unsigned PairsIn(const BytePairs& pairs, std::string_view text) {
  return HasAvx2() && text.size() > kBlockBytes ? PairsInByAvx2(pairs, text)
                                                : PairsInAnywhere(pairs, text);
}

}  // namespace gatehouse
