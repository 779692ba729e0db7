// TextNormaliser: the form of a text that signatures for target 7 are written
// for.
//
//   A-Z                       in lower case
//   09-0d and 20              one space for a run of them
//   00-08, 0e-1f, 80-ff       dropped; two runs of white space with nothing but
//                             such bytes between are one run
//   all other bytes           kept
//
// Nothing is special about the beginning and the end of a file, nor about marks
// of UTF-8 and UTF-16: their bytes are dropped, and the text of ASCII
// characters is left.
//
// What this means for searching the bytes of the file: let a literal be one of
// a signature without white space, upper case and dropped bytes. Where
// HasDroppedByte says no, the normalised text contains the literal exactly if
// the file contains it in any case. Otherwise the file may lack it: "f\0oo"
// contains "foo".
//
// Thread-compatible.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace gatehouse {

enum class TextByte : uint8_t { kKept, kLowered, kSpace, kDropped };

inline constexpr std::array<TextByte, 256> kTextByteClasses = [] {
  std::array<TextByte, 256> classes = {};
  for (size_t c = 0; c < classes.size(); ++c) {
    TextByte& one = classes.at(c);
    if (c < ' ' || c >= 0x80) one = TextByte::kDropped;
    if (c == ' ' || (c >= '\t' && c <= '\r')) one = TextByte::kSpace;
    if (c >= 'A' && c <= 'Z') one = TextByte::kLowered;
  }
  return classes;
}();

[[nodiscard]] constexpr TextByte TextByteClass(uint8_t c) {
  return kTextByteClasses[c];
}

// How many bytes at the beginning of a text it does not drop, byte by byte
// (KeptTextBytes is faster).
[[nodiscard]] inline size_t CountKeptTextBytes(ByteView text) {
  const auto end = std::find_if(text.begin(), text.end(), [](uint8_t c) {
    return TextByteClass(c) == TextByte::kDropped;
  });
  return static_cast<size_t>(end - text.begin());
}

// Whether the block has a byte that normalisation drops wherever it stands.
[[nodiscard]] bool HasDroppedByte(ByteView block);

class TextNormaliser {
 public:
  // Never appends more than `output_bytes_max` in all.
  explicit TextNormaliser(size_t output_bytes_max)
      : room_bytes_(output_bytes_max) {}

  // Appends what the next block of the text becomes; where the blocks are cut
  // does not matter. Allocates only where the capacity of `output` is less than
  // its size and that of the block together.
  void Feed(ByteView block, std::vector<uint8_t>& output);

  // Something was left out because of `output_bytes_max`.
  [[nodiscard]] bool limit_reached() const { return limit_reached_; }

 private:
  size_t room_bytes_ = 0;
  bool ends_in_space_ = false;
  bool limit_reached_ = false;
};

// The whole of a text. The answer: whether the limit was reached.
bool NormaliseText(ByteView text, size_t output_bytes_max,
                   std::vector<uint8_t>& output);

}  // namespace gatehouse
