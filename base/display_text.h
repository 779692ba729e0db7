// Turns bytes that an attacker may have chosen (file names, signature names)
// into text that is safe to show.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse {

// For terminals and logs. Printable UTF-8 stays as it is; control characters
// (C0, DEL, C1), backslash, bidirectional overrides and bytes that are not
// UTF-8 become \n, \t, \r, \\, \xHH (one group per byte). The mapping can be
// reversed: two different inputs never give the same text.
[[nodiscard]] std::string DisplayText(std::string_view bytes);

// True if `bytes` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong
// forms, nothing above U+10FFFF). NUL is allowed.
[[nodiscard]] bool IsUtf8(std::string_view bytes);

// At most `bytes_max` bytes of `text`, which is UTF-8, without half a
// character at the end.
[[nodiscard]] std::string CutText(std::string_view text, size_t bytes_max);

}  // namespace gatehouse
