// With SSE2, which every such processor has.
#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "engine/format/html_script_run.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = 16;
static_assert(kBlockBytes <= kHtmlScriptRoomBytes);

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

__m128i IsSpace(__m128i bytes) {
  return _mm_or_si128(IsByte(bytes, ' '), IsInRange(bytes, '\t', 5));
}

__m128i LowerCaseOf(__m128i bytes) {
  const __m128i upper = IsInRange(bytes, 'A', 26);
  return _mm_or_si128(bytes, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
}

[[gnu::noinline]] __m128i LoadLast(ByteView rest) {
  __m128i bytes = _mm_setzero_si128();
  std::memcpy(&bytes, rest.data(), rest.size());
  return bytes;
}

// The next block; NUL behind the end. Apart from the last one, no block goes
// through memory, where each step would wait for it.
[[gnu::always_inline]] inline __m128i Load(ByteView text, size_t at) {
  if (text.size() - at < kBlockBytes) [[unlikely]] {
    return LoadLast(text.subspan(at));
  }
  return _mm_loadu_si128(
      static_cast<const __m128i*>(static_cast<const void*>(text.data() + at)));
}

void Store(__m128i bytes, uint8_t* output) {
  _mm_storeu_si128(static_cast<__m128i*>(static_cast<void*>(output)), bytes);
}

}  // namespace

HtmlScriptRun CopyHtmlScript(ByteView text, uint8_t* output) {
  const __m128i quote = _mm_set1_epi8('\'' ^ '"');
  HtmlScriptRun run;
  while (run.taken < text.size()) {
    const __m128i bytes = Load(text, run.taken);
    const __m128i script = _mm_xor_si128(
        LowerCaseOf(bytes), _mm_and_si128(IsByte(bytes, '\''), quote));
    const __m128i marks = _mm_or_si128(IsByte(bytes, '<'), IsByte(bytes, '&'));
    const uint32_t ends =
        MaskOf(_mm_or_si128(marks, bytes)) | uint32_t{1} << kBlockBytes;
    const size_t left = text.size() - run.taken;
    const size_t count =
        std::min(left, static_cast<size_t>(std::countr_zero(ends)));
    run.taken += count;
    const uint32_t space = MaskOf(IsSpace(bytes));
    if (space == 0) {
      Store(script, output + run.written);
      run.written += count;
    } else {
      std::array<uint8_t, kBlockBytes> block;
      Store(script, block.data());
      for (size_t i = 0; i < count; ++i) {
        output[run.written] = block[i];
        run.written += (space >> i & 1) ^ 1;
      }
    }
    if (count != kBlockBytes) break;
  }
  return run;
}

}  // namespace gatehouse
