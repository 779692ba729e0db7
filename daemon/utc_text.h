// UtcText: a moment, for people.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <string>

namespace gatehouse {

// "2026-11-25 21:20:11 UTC".
[[nodiscard]] std::string UtcText(int64_t milliseconds_since_1970);

}  // namespace gatehouse
