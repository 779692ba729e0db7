// The usual character references of HTML, read at once.
//
// Thread-safe: a pure function.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

struct HtmlReference {
  size_t bytes = 0;  // Of the reference, to its ';'; none: not a usual one.
  uint16_t code = 0;
  uint8_t byte = 0;  // In text, if the code is kCodeAsByteMax at most.
};

// The reference at `piece`, which begins with '&': a known name, or a number of
// few digits. `lower` is the same in lower case; there is a NUL at its end.
[[nodiscard]] HtmlReference HtmlReferenceAt(const uint8_t* piece,
                                            const uint8_t* lower);

}  // namespace gatehouse
