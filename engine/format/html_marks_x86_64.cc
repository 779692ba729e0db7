// With AVX2, or with SSE2, which every such processor has: the same steps for
// half as many bytes.
#include <immintrin.h>

#include <array>
#include <cstring>

#include "engine/format/html_marks.h"

namespace gatehouse {
namespace {

void Add(uint64_t& bits, int more, size_t at) {
  bits |= uint64_t{static_cast<uint32_t>(more)} << at;
}

__m128i IsByte(__m128i bytes, char byte) {
  return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte));
}

// 0xff where the byte is in [first, first + count).
__m128i IsInRange(__m128i bytes, char first, char count) {
  const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  const __m128i last = _mm_set1_epi8(static_cast<char>(count - 1));
  return _mm_cmpeq_epi8(_mm_min_epu8(above, last), above);
}

// The bytes of the block from `at` on.
void MarkSixteen(const uint8_t* block, uint8_t* words, size_t at,
                 HtmlBlockMarks& marks) {
  __m128i bytes;
  std::memcpy(&bytes, block + at, sizeof(bytes));
  const __m128i blank = _mm_set1_epi8(' ');
  const __m128i controls = IsInRange(bytes, '\t', 4);
  const __m128i upper = IsInRange(bytes, 'A', 26);
  const __m128i lower = _mm_or_si128(bytes, _mm_and_si128(upper, blank));
  const __m128i text = _mm_or_si128(_mm_andnot_si128(controls, lower),
                                    _mm_and_si128(controls, blank));
  std::memcpy(words + at, &text, sizeof(text));
  const __m128i blanks = _mm_cmpeq_epi8(text, blank);
  // As signed numbers, bytes from 0x80 on are below the blank as well.
  const __m128i low = _mm_cmpgt_epi8(blank, text);
  const __m128i reference = IsByte(bytes, '&');
  const __m128i begins = _mm_or_si128(reference, IsByte(bytes, '<'));
  // Of these, the highest bit of each byte is its mark.
  const __m128i space = _mm_or_si128(blanks, IsByte(bytes, '\r'));
  const __m128i closes =
      _mm_or_si128(_mm_or_si128(space, bytes), IsByte(bytes, '>'));
  const __m128i quotes = _mm_or_si128(IsByte(bytes, '"'), IsByte(bytes, '\''));
  const __m128i name_ends = _mm_or_si128(closes, IsByte(bytes, '='));
  const __m128i value_ends =
      _mm_or_si128(closes, _mm_or_si128(reference, quotes));
  Add(marks.blanks, _mm_movemask_epi8(blanks), at);
  Add(marks.text_ends, _mm_movemask_epi8(_mm_or_si128(low, begins)), at);
  Add(marks.name_ends, _mm_movemask_epi8(name_ends), at);
  Add(marks.value_ends, _mm_movemask_epi8(value_ends), at);
}

void MarkWithSse2(ByteView blocks, size_t first, HtmlMarks& marks) {
  for (size_t at = 0; at < blocks.size(); at += kHtmlBlockBytes, ++first) {
    HtmlBlockMarks block;
    for (size_t i = 0; i < kHtmlBlockBytes; i += sizeof(__m128i)) {
      MarkSixteen(blocks.data() + at, marks.WordsOf(first), i, block);
    }
    marks.SetBlock(first, block);
  }
}

[[gnu::target("avx2")]] inline __m256i IsByteWide(__m256i bytes, char byte) {
  return _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte));
}

[[gnu::target("avx2")]] inline __m256i IsInRangeWide(__m256i bytes, char first,
                                                     char count) {
  const __m256i above = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first));
  const __m256i last = _mm256_set1_epi8(static_cast<char>(count - 1));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(above, last), above);
}

[[gnu::target("avx2")]] inline void MarkThirtyTwo(const uint8_t* block,
                                                  uint8_t* words, size_t at,
                                                  HtmlBlockMarks& marks) {
  __m256i bytes;
  std::memcpy(&bytes, block + at, sizeof(bytes));
  const __m256i blank = _mm256_set1_epi8(' ');
  const __m256i controls = IsInRangeWide(bytes, '\t', 4);
  const __m256i upper = IsInRangeWide(bytes, 'A', 26);
  const __m256i lower = _mm256_or_si256(bytes, _mm256_and_si256(upper, blank));
  const __m256i text = _mm256_blendv_epi8(lower, blank, controls);
  std::memcpy(words + at, &text, sizeof(text));
  const __m256i blanks = _mm256_cmpeq_epi8(text, blank);
  const __m256i low = _mm256_cmpgt_epi8(blank, text);
  const __m256i reference = IsByteWide(bytes, '&');
  const __m256i begins = _mm256_or_si256(reference, IsByteWide(bytes, '<'));
  const __m256i space = _mm256_or_si256(blanks, IsByteWide(bytes, '\r'));
  const __m256i closes =
      _mm256_or_si256(_mm256_or_si256(space, bytes), IsByteWide(bytes, '>'));
  const __m256i quotes =
      _mm256_or_si256(IsByteWide(bytes, '"'), IsByteWide(bytes, '\''));
  const __m256i name_ends = _mm256_or_si256(closes, IsByteWide(bytes, '='));
  const __m256i value_ends =
      _mm256_or_si256(closes, _mm256_or_si256(reference, quotes));
  Add(marks.blanks, _mm256_movemask_epi8(blanks), at);
  Add(marks.text_ends, _mm256_movemask_epi8(_mm256_or_si256(low, begins)), at);
  Add(marks.name_ends, _mm256_movemask_epi8(name_ends), at);
  Add(marks.value_ends, _mm256_movemask_epi8(value_ends), at);
}

[[gnu::target("avx2")]] void MarkWithAvx2(ByteView blocks, size_t first,
                                          HtmlMarks& marks) {
  for (size_t at = 0; at < blocks.size(); at += kHtmlBlockBytes, ++first) {
    HtmlBlockMarks block;
    MarkThirtyTwo(blocks.data() + at, marks.WordsOf(first), 0, block);
    MarkThirtyTwo(blocks.data() + at, marks.WordsOf(first), sizeof(__m256i),
                  block);
    marks.SetBlock(first, block);
  }
}

}  // namespace

std::span<const HtmlMarking> AvailableHtmlMarkings() {
  static constexpr std::array<HtmlMarking, 3> kMarkings = {
      {{"avx2", MarkWithAvx2},
       {"sse2", MarkWithSse2},
       {"portable", MarkHtmlBlocksAnywhere}}};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  return std::span(kMarkings).subspan(has_avx2 ? 0 : 1);
}

}  // namespace gatehouse
