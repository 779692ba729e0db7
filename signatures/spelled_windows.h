// Windows of a pattern in which, at some places, one of a few byte strings
// stands: spelled out, so that they can be looked for as literals are.
//
// Thread-safe: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace gatehouse {

inline constexpr size_t kSpellingsMax = 128;

struct SpelledWindow {
  // All that may stand there, of one length.
  std::vector<std::vector<uint8_t>> texts;
  bool is_folded = false;  // Then in lower case.
  // From the part's first byte to its own.
  uint32_t distance_min = 0;
  uint32_t distance_max = 0;
};

struct WindowWish {
  size_t bytes_min = 0;
  size_t bytes_max = 0;
  // As it stands in the own bytes of a text, of whose normalised form the
  // pattern is: in any case, without white space, and without what no such form
  // has.
  bool is_in_text = false;
};

// Of one part (PatternPart::code), those that have such a place and can be
// written in up to kSpellingsMax ways.
[[nodiscard]] std::vector<SpelledWindow> SpelledWindowsOf(
    ByteView part, const WindowWish& wish);

// A byte that the normalised form of a text does not have.
[[nodiscard]] constexpr bool IsForeignToView(uint8_t byte, bool is_folded) {
  const bool is_upper = byte >= 'A' && byte <= 'Z';
  return byte < ' ' || byte >= 0x80 || (!is_folded && is_upper);
}

}  // namespace gatehouse
