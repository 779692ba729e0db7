// The fast part of normalising what is in scripts, many bytes at once where the
// processor can do that.
//
// Thread-safe: a pure function.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

// A run may write as many bytes more than it has: outputs have room for them.
inline constexpr size_t kHtmlScriptRoomBytes = 16;

struct HtmlScriptRun {
  size_t taken = 0;
  size_t written = 0;
};

// Copies what scripts are made of, in lower case and with all quotes alike,
// without white space. Stops at '<', '&' and bytes from 0x80 on.
[[nodiscard]] HtmlScriptRun CopyHtmlScript(ByteView text, uint8_t* output);

// Of any processor.
[[nodiscard]] HtmlScriptRun CopyHtmlScriptAnywhere(ByteView text,
                                                   uint8_t* output);

}  // namespace gatehouse
