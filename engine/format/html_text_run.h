// The fast part of normalising HTML: words of text between tags, many bytes at
// once where the processor can do that.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

// A run may write as many bytes more than it has.
inline constexpr size_t kHtmlRunRoomBytes = 16;

// Copies the words at the beginning of `text` to `output`, in lower case, with
// a space for each single byte of white space; how many bytes that are. Stops
// where a byte means more than itself: '<', '&', control characters, CR, bytes
// from 0x80 on, and white space behind white space (behind `after_space`, too).
// `output` has room for kHtmlRunRoomBytes more than `text` has.
[[nodiscard]] size_t CopyHtmlWords(ByteView text, bool after_space,
                                   uint8_t* output);

}  // namespace gatehouse
