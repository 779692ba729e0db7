// Ids of threats.
//
// Thread-safe.
#pragma once

#include <string>

namespace gatehouse {

// A new random UUID (RFC 9562, version 4).
[[nodiscard]] std::string NewThreatId();

}  // namespace gatehouse
