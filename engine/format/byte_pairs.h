// Where a byte stands with one of some others behind it, which is how tags and
// header lines begin: many bytes at once, where the processor can do that.
//
// Thread-safe: pure functions and plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
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

// Some of them, to be looked for at once.
class BytePairs {
 public:
  static constexpr size_t kPairsMax = 8;
  // Of a byte: by its lower half, and by its upper one, a bit for each pair.
  struct Halves {
    std::array<uint8_t, 16> low = {};
    std::array<uint8_t, 16> high = {};

    [[nodiscard]] constexpr unsigned Of(char c) const {
      const auto byte = static_cast<uint8_t>(c);
      return unsigned{low[byte & 15]} & high[byte >> 4];
    }
  };

  // kPairsMax at most.
  constexpr BytePairs(std::initializer_list<BytePair> pairs) {
    auto bit = uint8_t{1};
    for (const BytePair& pair : pairs) {
      Add(bit, first_.low.at(pair.first & 15));
      Add(bit, first_.high.at(pair.first >> 4));
      for (size_t half = 0; half < 16; ++half) {
        if (pair.low.at(half) != 0) Add(bit, second_.low.at(half));
        if (pair.high.at(half) != 0) Add(bit, second_.high.at(half));
      }
      bit = static_cast<uint8_t>(bit << 1);
    }
  }

  [[nodiscard]] const Halves& first() const { return first_; }
  [[nodiscard]] const Halves& second() const { return second_; }

 private:
  static constexpr void Add(uint8_t bit, uint8_t& bits) {
    bits = static_cast<uint8_t>(bits | bit);
  }

  Halves first_;
  Halves second_;
};

// A bit for each pair that may stand in the text, in order: for those that do,
// and for some whose second byte is put together from halves of others.
[[nodiscard]] unsigned PairsIn(const BytePairs& pairs, std::string_view text);
// Of any processor.
[[nodiscard]] unsigned PairsInAnywhere(const BytePairs& pairs,
                                       std::string_view text);

// The first place at or behind `from` where both stand; npos: none.
[[nodiscard]] size_t FindPair(const BytePair& pair, std::string_view text,
                              size_t from);
// Of any processor: by memchr, which every library has a fast one of.
[[nodiscard]] size_t FindPairAnywhere(const BytePair& pair,
                                      std::string_view text, size_t from);

}  // namespace gatehouse
