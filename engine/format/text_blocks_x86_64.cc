// With SSSE3, which Hyperscan needs as well: its pshufb closes the gaps that
// dropped bytes leave.
//
// White space behind white space is dropped, also when only dropped bytes stand
// between. With masks of one bit per byte, W white space and D dropped anyway:
// S = W << 1 marks what follows white space; a sum carries each such mark
// through the run of D it stands at the beginning of.
#include <immintrin.h>

#include <bit>
#include <cstring>

#include "engine/format/kept_bytes_x86_64.h"
#include "engine/format/normalised_text.h"
#include "engine/format/text_blocks.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = 16;

bool HasSsse3() {
  static const bool has = __builtin_cpu_supports("ssse3") != 0 &&
                          __builtin_cpu_supports("popcnt") != 0;
  return has;
}

__m128i Load(const uint8_t* bytes) {
  __m128i block;
  std::memcpy(&block, bytes, sizeof(block));
  return block;
}

uint32_t MaskOf(__m128i bytes) {
  return static_cast<uint32_t>(_mm_movemask_epi8(bytes));
}

// 0xff where the byte is in [first, first + count).
__m128i IsInRange(__m128i bytes, char first, char count) {
  const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  const __m128i last = _mm_set1_epi8(static_cast<char>(count - 1));
  return _mm_cmpeq_epi8(_mm_min_epu8(above, last), above);
}

struct Block {
  __m128i bytes = {};  // In lower case, all white space as ' '.
  uint32_t space = 0;
  uint32_t dropped = 0;
};

Block Classify(const uint8_t* input) {
  const __m128i blank = _mm_set1_epi8(' ');
  const __m128i bytes = Load(input);
  const __m128i controls = IsInRange(bytes, '\t', 5);
  // As signed numbers, bytes from 0x80 on are below as well.
  const __m128i low = _mm_cmpgt_epi8(blank, bytes);
  const __m128i upper = IsInRange(bytes, 'A', 26);
  const __m128i lower = _mm_or_si128(bytes, _mm_and_si128(upper, blank));
  Block block;
  block.bytes = _mm_or_si128(_mm_andnot_si128(controls, lower),
                             _mm_and_si128(controls, blank));
  block.space = MaskOf(_mm_cmpeq_epi8(block.bytes, blank));
  block.dropped = MaskOf(_mm_andnot_si128(controls, low));
  return block;
}

[[gnu::target("ssse3,popcnt")]] TextBlocksResult NormaliseBlocks(
    ByteView input, uint8_t* output, bool after_space) {
  uint32_t carry = after_space ? 1 : 0;
  size_t read = 0;
  size_t written = 0;
  for (; read + kBlockBytes <= input.size(); read += kBlockBytes) {
    const Block block = Classify(input.data() + read);
    const uint32_t marks = block.space << 1 | carry;
    const uint32_t carried = (marks & block.dropped) + block.dropped;
    const uint32_t follows = (marks | carried) & ~block.dropped;
    carry = follows >> kBlockBytes & 1;
    const uint32_t dropped = block.dropped | (block.space & follows);
    if (dropped == 0) {
      std::memcpy(output + written, &block.bytes, kBlockBytes);
      written += kBlockBytes;
      continue;
    }
    written += WriteKept(block.bytes, dropped & 0xff, output + written);
    written += WriteKept(_mm_srli_si128(block.bytes, 8), dropped >> 8,
                         output + written);
  }
  return {read, written, carry != 0};
}

// Whole blocks without a dropped byte.
[[gnu::target("avx2")]] size_t KeptByAvx2(ByteView input) {
  constexpr size_t kWideBytes = sizeof(__m256i);
  const __m256i blank = _mm256_set1_epi8(' ');
  const __m256i tab = _mm256_set1_epi8('\t');
  const __m256i last = _mm256_set1_epi8(4);
  size_t read = 0;
  for (; read + kWideBytes <= input.size(); read += kWideBytes) {
    __m256i bytes;
    std::memcpy(&bytes, input.data() + read, kWideBytes);
    const __m256i above = _mm256_sub_epi8(bytes, tab);
    const __m256i space =
        _mm256_cmpeq_epi8(_mm256_min_epu8(above, last), above);
    const __m256i low = _mm256_cmpgt_epi8(blank, bytes);
    if (_mm256_testc_si256(space, low) == 0) break;
  }
  return read;
}

}  // namespace

TextBlocksResult NormaliseTextBlocks(ByteView input, uint8_t* output,
                                     bool after_space) {
  if (!HasSsse3()) return {0, 0, after_space};
  return NormaliseBlocks(input, output, after_space);
}

size_t KeptTextBytes(ByteView input) {
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  size_t read = has_avx2 ? KeptByAvx2(input) : 0;
  while (read + kBlockBytes <= input.size()) {
    const uint32_t dropped = Classify(input.data() + read).dropped;
    if (dropped != 0)
      return read + static_cast<size_t>(std::countr_zero(dropped));
    read += kBlockBytes;
  }
  return read + CountKeptTextBytes(input.subspan(read));
}

}  // namespace gatehouse
