// Values for JSON output that JSON itself cannot hold.
//
// Thread-safe: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// RFC 4648, section 4, with padding.
[[nodiscard]] std::string Base64(std::string_view bytes);

}  // namespace gatehouse
