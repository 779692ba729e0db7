// The names that stand for characters in HTML, as in "&eacute;": the entity
// sets of ISO 8879 that the normalised form of HTML resolves.
//
// Thread-safe: a pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gatehouse {

// `name` without '&' and ';'. Upper and lower case are different.
[[nodiscard]] std::optional<uint16_t> CodeOfHtmlName(std::string_view name);

}  // namespace gatehouse
