// With SSE2, which every such processor has.
#include <emmintrin.h>

#include <algorithm>
#include <array>
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

// Copies in lower case until a byte that ends(bytes) marks, a bit for each.
template <class Ends>
size_t CopyUntil(ByteView text, uint8_t* output, Ends ends) {
  for (size_t at = 0; at < text.size(); at += kBlockBytes) {
    const __m128i bytes = Load(text, at);
    const __m128i lower = LowerCaseOf(bytes);
    Store(lower, output + at);
    const uint32_t marks = ends(bytes);
    if (marks != 0) {
      const auto count = static_cast<size_t>(std::countr_zero(marks));
      return std::min(at + count, text.size());
    }
  }
  return text.size();
}

// Copies in lower case, with a space for each run of white space but CR, until
// a byte that ends(bytes) marks. What is loaded behind the text is an end.
template <class Ends, class Store>
HtmlRun CopyWords(ByteView text, Store store, Ends ends) {
  const __m128i blank = _mm_set1_epi8(' ');
  HtmlRun run;
  uint32_t carry = 0;  // Whether a space was written last.
  while (run.taken < text.size()) {
    const __m128i bytes = Load(text, run.taken);
    const __m128i controls =
        _mm_andnot_si128(IsByte(bytes, '\r'), IsInRange(bytes, '\t', 5));
    const __m128i words =
        _mm_or_si128(_mm_andnot_si128(controls, LowerCaseOf(bytes)),
                     _mm_and_si128(controls, blank));
    store(words, run.written);
    const uint32_t space = MaskOf(_mm_cmpeq_epi8(words, blank));
    const uint32_t stops = ends(words);
    const uint32_t marks = stops | (space & (space << 1 | carry));
    if (marks == 0) {
      run.taken += kBlockBytes;
      run.written += kBlockBytes;
      carry = space >> (kBlockBytes - 1);
      continue;
    }
    const auto count = static_cast<unsigned>(std::countr_zero(marks));
    run.taken += count;
    run.written += count;
    if ((stops >> count & 1) != 0) break;
    run.taken += static_cast<size_t>(std::countr_one(space >> count));
    carry = 1;
  }
  return run;
}

}  // namespace

HtmlRun CopyHtmlWords(ByteView text, uint8_t* output, uint8_t* copy) {
  const auto store = [output, copy](__m128i words, size_t at) {
    Store(words, output + at);
    Store(words, copy + at);
  };
  return CopyWords(text, store, [](__m128i words) {
    // As signed numbers, bytes from 0x80 on are below the blank as well.
    const __m128i low = _mm_cmpgt_epi8(_mm_set1_epi8(' '), words);
    const __m128i marks = _mm_or_si128(IsByte(words, '<'), IsByte(words, '&'));
    return MaskOf(_mm_or_si128(low, marks));
  });
}

HtmlRun CopyHtmlNames(ByteView text, uint8_t* output) {
  const auto store = [output](__m128i words, size_t at) {
    Store(words, output + at);
  };
  return CopyWords(text, store, [](__m128i words) {
    const __m128i marks = _mm_or_si128(IsByte(words, '>'), IsByte(words, '='));
    const __m128i others = _mm_or_si128(IsByte(words, '\r'), IsByte(words, 0));
    return MaskOf(_mm_or_si128(_mm_or_si128(marks, others), words));
  });
}

size_t CopyHtmlName(ByteView text, uint8_t* output) {
  return CopyUntil(text, output, [](__m128i bytes) {
    const __m128i marks = _mm_or_si128(IsByte(bytes, '>'), IsByte(bytes, '='));
    // The highest bit of each byte is its mark.
    return MaskOf(_mm_or_si128(_mm_or_si128(marks, IsSpace(bytes)), bytes));
  });
}

size_t CopyHtmlValue(ByteView text, uint8_t* output) {
  return CopyUntil(text, output, [](__m128i bytes) {
    const __m128i quotes =
        _mm_or_si128(IsByte(bytes, '"'), IsByte(bytes, '\''));
    const __m128i marks = _mm_or_si128(IsByte(bytes, '>'), IsByte(bytes, '&'));
    const __m128i space = _mm_or_si128(IsSpace(bytes), bytes);
    return MaskOf(_mm_or_si128(_mm_or_si128(quotes, marks), space));
  });
}

size_t CountHtmlSpace(ByteView text) {
  size_t at = 0;
  while (at < text.size()) {
    const uint32_t space = MaskOf(IsSpace(Load(text, at)));
    const auto count = static_cast<size_t>(std::countr_one(space));
    at += count;
    if (count != kBlockBytes) break;
  }
  return at;
}

HtmlRun CopyHtmlScript(ByteView text, uint8_t* output) {
  const __m128i quote = _mm_set1_epi8('\'' ^ '"');
  HtmlRun run;
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
