// With AVX2, if there is, or SSE2, which every such processor has.
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/matching/probe_blocks.h"

namespace gatehouse {
namespace {

bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

char Signed(uint8_t byte) { return static_cast<char>(byte); }

// The first of the places marked in `fits` where all probes fit.
bool FindMarked(const Probes& probes, const uint8_t* block, uint64_t fits,
                size_t& place) {
  for (; fits != 0; fits &= fits - 1) {
    place = static_cast<size_t>(std::countr_zero(fits));
    if (probes.Fit(block + place)) return true;
  }
  return false;
}

__m128i Load(const uint8_t* place) {
  __m128i bytes;
  std::memcpy(&bytes, place, sizeof(bytes));
  return bytes;
}

// What probes ask of a byte: less is faster.
enum class Asked : uint8_t {
  kValue,
  kBits,  // Without those that may differ.
  kAny,   // Or that it is less.
};

Asked AskedBy(const Probe& probe) {
  if (probe.below != Probe::kNone) return Asked::kAny;
  return probe.ignored != 0 ? Asked::kBits : Asked::kValue;
}

// A probe, for sixteen places.
template <Asked kAsked>
struct NarrowProbe {
  explicit NarrowProbe(const Probe& probe)
      : at(probe.at),
        value(_mm_set1_epi8(Signed(probe.value))),
        ignored(_mm_set1_epi8(Signed(probe.ignored))),
        below(_mm_set1_epi8(probe.below)) {}

  [[nodiscard]] __m128i Fits(const uint8_t* block) const {
    const __m128i bytes = Load(block + at);
    if constexpr (kAsked == Asked::kValue) return _mm_cmpeq_epi8(bytes, value);
    const __m128i equal = _mm_cmpeq_epi8(_mm_or_si128(bytes, ignored), value);
    if constexpr (kAsked == Asked::kBits) return equal;
    return _mm_or_si128(equal, _mm_cmpgt_epi8(below, bytes));
  }

  size_t at;
  __m128i value;
  __m128i ignored;
  __m128i below;
};

template <Asked kAsked>
ProbedBlocks FindBySse2(const Probes& probes, ByteView bytes, size_t from) {
  constexpr size_t kPlaces = sizeof(__m128i);
  const NarrowProbe<kAsked> first(probes.rarest[0]);
  const NarrowProbe<kAsked> second(probes.rarest[1]);
  for (; from + probes.span + kPlaces <= bytes.size(); from += kPlaces) {
    const uint8_t* const block = bytes.data() + from;
    const __m128i fits = _mm_and_si128(first.Fits(block), second.Fits(block));
    const auto marked = static_cast<uint32_t>(_mm_movemask_epi8(fits));
    size_t place = 0;
    if (marked != 0 && FindMarked(probes, block, marked, place)) {
      return {from + place, true};
    }
  }
  return {from, false};
}

[[gnu::target("avx2")]] inline __m256i LoadWide(const uint8_t* place) {
  __m256i bytes;
  std::memcpy(&bytes, place, sizeof(bytes));
  return bytes;
}

// A probe, for 32 places.
template <Asked kAsked>
struct WideProbe {
  [[gnu::target("avx2")]] explicit WideProbe(const Probe& probe)
      : at(probe.at),
        value(_mm256_set1_epi8(Signed(probe.value))),
        ignored(_mm256_set1_epi8(Signed(probe.ignored))),
        below(_mm256_set1_epi8(probe.below)) {}

  [[nodiscard, gnu::target("avx2")]] __m256i Fits(const uint8_t* block) const {
    const __m256i bytes = LoadWide(block + at);
    if constexpr (kAsked == Asked::kValue) {
      return _mm256_cmpeq_epi8(bytes, value);
    }
    const __m256i equal =
        _mm256_cmpeq_epi8(_mm256_or_si256(bytes, ignored), value);
    if constexpr (kAsked == Asked::kBits) return equal;
    return _mm256_or_si256(equal, _mm256_cmpgt_epi8(below, bytes));
  }

  size_t at;
  __m256i value;
  __m256i ignored;
  __m256i below;
};

// Two blocks at once.
template <Asked kAsked>
[[gnu::target("avx2")]] ProbedBlocks FindByAvx2(const Probes& probes,
                                                ByteView bytes, size_t from) {
  constexpr size_t kPlaces = sizeof(__m256i);
  const WideProbe<kAsked> first(probes.rarest[0]);
  const WideProbe<kAsked> second(probes.rarest[1]);
  for (; from + probes.span + 2 * kPlaces <= bytes.size();
       from += 2 * kPlaces) {
    const uint8_t* const block = bytes.data() + from;
    const __m256i low = _mm256_and_si256(first.Fits(block), second.Fits(block));
    const __m256i high = _mm256_and_si256(first.Fits(block + kPlaces),
                                          second.Fits(block + kPlaces));
    const __m256i any = _mm256_or_si256(low, high);
    if (_mm256_testz_si256(any, any) != 0) continue;
    const auto low_bits = static_cast<uint32_t>(_mm256_movemask_epi8(low));
    const auto high_bits = static_cast<uint32_t>(_mm256_movemask_epi8(high));
    size_t place = 0;
    if (FindMarked(probes, block, uint64_t{high_bits} << kPlaces | low_bits,
                   place)) {
      return {from + place, true};
    }
  }
  return {from, false};
}

template <Asked kAsked>
ProbedBlocks Find(const Probes& probes, ByteView bytes, size_t from) {
  if (HasAvx2()) {
    const ProbedBlocks found = FindByAvx2<kAsked>(probes, bytes, from);
    if (found.fits) return found;
    from = found.place;
  }
  return FindBySse2<kAsked>(probes, bytes, from);
}

}  // namespace

ProbedBlocks FindInBlocks(const Probes& probes, ByteView bytes, size_t from) {
  switch (std::max(AskedBy(probes.rarest[0]), AskedBy(probes.rarest[1]))) {
    case Asked::kValue:
      return Find<Asked::kValue>(probes, bytes, from);
    case Asked::kBits:
      return Find<Asked::kBits>(probes, bytes, from);
    case Asked::kAny:
      break;
  }
  return Find<Asked::kAny>(probes, bytes, from);
}

}  // namespace gatehouse
