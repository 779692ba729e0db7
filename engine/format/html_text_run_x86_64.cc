// With SSE2, which every such processor has.
#include <emmintrin.h>

#include <bit>
#include <cstring>

#include "engine/format/html_text_run.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = 16;
static_assert(kBlockBytes <= kHtmlRunRoomBytes);

uint32_t MaskOf(__m128i bytes) {
  return static_cast<uint32_t>(_mm_movemask_epi8(bytes));
}

// 0xff where the byte is in [first, first + count).
__m128i IsInRange(__m128i bytes, char first, char count) {
  const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  const __m128i last = _mm_set1_epi8(static_cast<char>(count - 1));
  return _mm_cmpeq_epi8(_mm_min_epu8(above, last), above);
}

__m128i IsByte(__m128i bytes, char byte) {
  return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte));
}

}  // namespace

size_t CopyHtmlWords(ByteView text, bool after_space, uint8_t* output) {
  const __m128i blank = _mm_set1_epi8(' ');
  uint32_t carry = after_space ? 1 : 0;
  for (size_t read = 0; read < text.size(); read += kBlockBytes) {
    const size_t count = std::min(text.size() - read, kBlockBytes);
    __m128i bytes = _mm_setzero_si128();  // NUL ends a run.
    if (count == kBlockBytes) {
      std::memcpy(&bytes, text.data() + read, kBlockBytes);
    } else {
      std::memcpy(&bytes, text.data() + read, count);
    }
    const __m128i controls =
        _mm_andnot_si128(IsByte(bytes, '\r'), IsInRange(bytes, '\t', 5));
    const __m128i upper = IsInRange(bytes, 'A', 26);
    const __m128i lower = _mm_or_si128(bytes, _mm_and_si128(upper, blank));
    const __m128i words = _mm_or_si128(_mm_andnot_si128(controls, lower),
                                       _mm_and_si128(controls, blank));
    std::memcpy(output + read, &words, kBlockBytes);
    const uint32_t space = MaskOf(_mm_cmpeq_epi8(words, blank));
    // As signed numbers, bytes from 0x80 on are below the blank as well.
    const __m128i low = _mm_cmpgt_epi8(blank, words);
    const __m128i marks = _mm_or_si128(IsByte(bytes, '<'), IsByte(bytes, '&'));
    const uint32_t ends =
        MaskOf(_mm_or_si128(low, marks)) | (space & (space << 1 | carry));
    if (ends != 0) {
      return read + static_cast<size_t>(std::countr_zero(ends));
    }
    carry = space >> (kBlockBytes - 1);
  }
  return text.size();
}

}  // namespace gatehouse
