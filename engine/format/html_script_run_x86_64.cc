// With SSSE3, which Hyperscan needs as well.
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/format/html_script_run.h"
#include "engine/format/kept_bytes_x86_64.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = 16;
constexpr uint32_t kAllBytes = (uint32_t{1} << kBlockBytes) - 1;
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

[[gnu::target("ssse3,popcnt")]] HtmlScriptRun CopyWithSsse3(ByteView text,
                                                            uint8_t* output) {
  const __m128i quote = _mm_set1_epi8('\'' ^ '"');
  HtmlScriptRun run;
  while (run.taken < text.size()) {
    const __m128i bytes = Load(text, run.taken);
    const __m128i script = _mm_xor_si128(
        LowerCaseOf(bytes), _mm_and_si128(IsByte(bytes, '\''), quote));
    const __m128i marks = _mm_or_si128(IsByte(bytes, '<'), IsByte(bytes, '&'));
    const uint32_t ends = MaskOf(_mm_or_si128(marks, bytes));
    // A branch, so that the next block does not wait for what is in this one.
    size_t count = kBlockBytes;
    if (ends != 0 || text.size() - run.taken < kBlockBytes) [[unlikely]] {
      const auto end = static_cast<size_t>(
          std::countr_zero(ends | uint32_t{1} << kBlockBytes));
      count = std::min(text.size() - run.taken, end);
    }
    const uint32_t dropped = MaskOf(IsSpace(bytes)) | kAllBytes << count;
    uint8_t* const to = output + run.written;
    const size_t kept = WriteKept(script, dropped & 0xff, to);
    run.written += kept + WriteKept(_mm_srli_si128(script, 8),
                                    dropped >> 8 & 0xff, to + kept);
    run.taken += count;
    if (count != kBlockBytes) break;
  }
  return run;
}

}  // namespace

HtmlScriptRun CopyHtmlScript(ByteView text, uint8_t* output) {
  static const bool has_ssse3 = __builtin_cpu_supports("ssse3") != 0 &&
                                __builtin_cpu_supports("popcnt") != 0;
  return has_ssse3 ? CopyWithSsse3(text, output)
                   : CopyHtmlScriptAnywhere(text, output);
}

}  // namespace gatehouse
