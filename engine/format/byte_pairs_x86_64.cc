// With AVX2, where the processor has it.
#include <immintrin.h>

#include <bit>
#include <cstring>

#include "engine/format/byte_pairs.h"

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

// Looks at whole blocks only: where it stopped, or what was found.
struct Looked {
  size_t at = 0;
  bool is_found = false;
};

[[gnu::target("avx2")]] Looked FindByAvx2(const BytePair& pair,
                                          std::string_view text, size_t from) {
  const __m256i first = _mm256_set1_epi8(static_cast<char>(pair.first));
  const __m256i low = Table(pair.low);
  const __m256i high = Table(pair.high);
  const __m256i half = _mm256_set1_epi8(15);
  for (; from + kBlockBytes < text.size(); from += kBlockBytes) {
    const char* const block = text.data() + from;
    const __m256i seconds = Load(block + 1);
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(seconds, 4), half);
    const __m256i bits = _mm256_and_si256(
        _mm256_shuffle_epi8(low, _mm256_and_si256(seconds, half)),
        _mm256_shuffle_epi8(high, upper));
    const __m256i is_none = _mm256_cmpeq_epi8(bits, _mm256_setzero_si256());
    const __m256i both =
        _mm256_andnot_si256(is_none, _mm256_cmpeq_epi8(Load(block), first));
    const auto found = static_cast<uint32_t>(_mm256_movemask_epi8(both));
    if (found != 0) {
      return {from + static_cast<size_t>(std::countr_zero(found)), true};
    }
  }
  return {from, false};
}

}  // namespace

size_t FindPair(const BytePair& pair, std::string_view text, size_t from) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) {
    const Looked looked = FindByAvx2(pair, text, from);
    if (looked.is_found) return looked.at;
    from = looked.at;
  }
  return FindPairAnywhere(pair, text, from);
}

}  // namespace gatehouse
