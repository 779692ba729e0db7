// Writing what remains of bytes when some of them are dropped, with SSSE3: its
// pshufb closes the gaps.
//
// Thread-safe: a pure function. Only for x86_64.
#pragma once

#include <immintrin.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gatehouse {

// For each set of dropped bytes among eight: where the kept ones come from.
constexpr std::array<std::array<uint8_t, 8>, 256> MakeKeptShuffles() {
  std::array<std::array<uint8_t, 8>, 256> shuffles = {};
  for (unsigned dropped = 0; dropped < 256; ++dropped) {
    size_t kept = 0;
    for (uint8_t i = 0; i < 8; ++i) {
      if ((dropped >> i & 1) == 0) shuffles.at(dropped).at(kept++) = i;
    }
  }
  return shuffles;
}

inline constexpr auto kKeptShuffles = MakeKeptShuffles();

// Writes eight bytes, of which as many as are returned count: those of the
// first eight of `bytes` that are not in `dropped`, which has eight bits.
[[gnu::target("ssse3,popcnt")]] inline size_t WriteKept(__m128i bytes,
                                                        uint32_t dropped,
                                                        uint8_t* output) {
  __m128i shuffle = _mm_setzero_si128();
  std::memcpy(&shuffle, kKeptShuffles[dropped].data(), 8);
  const __m128i kept = _mm_shuffle_epi8(bytes, shuffle);
  std::memcpy(output, &kept, 8);
  return 8 - static_cast<size_t>(std::popcount(dropped));
}

}  // namespace gatehouse
