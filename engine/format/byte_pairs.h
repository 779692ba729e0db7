// Where a byte stands with one of some others behind it, which is how tags and
// header lines begin: many bytes at once, where the processor can do that.
//
// Thread-safe: pure functions and plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse {

// What is looked for.
struct BytePair {
  static constexpr size_t kSecondsMax = 8;

  // Of `seconds` there are kSecondsMax at most; the letters among them are
  // lower case, and found in either case.
  constexpr BytePair(char first_byte, std::string_view seconds)
      : first(static_cast<uint8_t>(first_byte)) {
    for (size_t i = 0; i < seconds.size(); ++i) {
      const auto second = static_cast<uint8_t>(seconds[i]);
      const auto bit = static_cast<uint8_t>(1U << i);
      const bool is_letter = second >= 'a' && second <= 'z';
      low.at(second & 15) = static_cast<uint8_t>(low.at(second & 15) | bit);
      high.at(second >> 4) = static_cast<uint8_t>(high.at(second >> 4) | bit);
      if (!is_letter) continue;
      const size_t upper = (second >> 4) - size_t{2};
      high.at(upper) = static_cast<uint8_t>(high.at(upper) | bit);
    }
  }

  [[nodiscard]] constexpr bool HasSecond(char c) const {
    const auto byte = static_cast<uint8_t>(c);
    return (low[byte & 15] & high[byte >> 4]) != 0;
  }

  uint8_t first = 0;
  // A bit for each second byte: by its lower half, and by its upper one.
  std::array<uint8_t, 16> low = {};
  std::array<uint8_t, 16> high = {};
};

// The first place at or behind `from` where both stand; npos: none.
[[nodiscard]] size_t FindPair(const BytePair& pair, std::string_view text,
                              size_t from);
// Of any processor: by memchr, which every library has a fast one of.
[[nodiscard]] size_t FindPairAnywhere(const BytePair& pair,
                                      std::string_view text, size_t from);

}  // namespace gatehouse
