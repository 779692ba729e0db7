// Names of what well-known Windows libraries export by number: import tables
// that name the number are hashed as if they named the function.
//
// Thread-safe. Owns nothing.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse {

// The lower-case name of an export; empty when it is not known. `library` is
// the lower-case name with its extension ("ws2_32.dll").
[[nodiscard]] std::string_view ImportOrdinalName(std::string_view library,
                                                 uint16_t ordinal);

}  // namespace gatehouse
