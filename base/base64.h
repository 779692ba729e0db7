// Base64: bytes as text that JSON can hold.
//
// Thread-safe: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

// RFC 4648, section 4, with padding.
[[nodiscard]] std::string Base64(std::string_view bytes);

// The bytes behind `text`; nothing unless Base64() of them is exactly `text`.
[[nodiscard]] std::optional<std::string> BytesOfBase64(std::string_view text);

}  // namespace gatehouse
