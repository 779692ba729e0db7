// The fast part of normalising HTML: words of text, names and values in tags,
// many bytes at once where the processor can do that.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

// A run may write as many bytes more than it has: outputs have room for them.
inline constexpr size_t kHtmlRunRoomBytes = 16;

struct HtmlRun {
  size_t taken = 0;
  size_t written = 0;
};

// Copies the words at the beginning of `text` to both outputs, in lower case,
// with a space for each run of white space. Stops where a byte means more than
// itself: '<', '&', control characters, CR, bytes from 0x80 on.
[[nodiscard]] HtmlRun CopyHtmlWords(ByteView text, uint8_t* output,
                                    uint8_t* copy);

// The same for names of attributes, with white space between them. `text` has
// no NUL. Stops at '>', '=', CR and bytes from 0x80 on.
[[nodiscard]] HtmlRun CopyHtmlNames(ByteView text, uint8_t* output);

// Copies what can be one name of a tag or an attribute, in lower case, to the
// first '>', '=', white space or byte from 0x80 on; how many bytes that are.
[[nodiscard]] size_t CopyHtmlName(ByteView text, uint8_t* output);

// The same for a part of a value, which ends at a quote, '>', '&', white space
// or a byte from 0x80 on.
[[nodiscard]] size_t CopyHtmlValue(ByteView text, uint8_t* output);

// How many bytes of white space `text` begins with.
[[nodiscard]] size_t CountHtmlSpace(ByteView text);

// Copies what scripts are made of, in lower case and with all quotes alike,
// without white space. Stops at '<', '&' and bytes from 0x80 on.
[[nodiscard]] HtmlRun CopyHtmlScript(ByteView text, uint8_t* output);

}  // namespace gatehouse
