// What every match of an expression contains, so that it need not be run where
// that is not.
//
// Thread-safe: a pure function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// Any of these.
using RegexLiteralSet = std::vector<std::string>;

// Shorter ones are nearly everywhere.
inline constexpr size_t kRegexLiteralBytesMin = 2;
inline constexpr size_t kRegexLiteralBytesMax = 32;
inline constexpr size_t kRegexLiteralsMax = 4;  // Sets.
// Of a longer expression nothing is told: it could take seconds.
inline constexpr size_t kRegexBytesToldMax = 4096;
inline constexpr size_t kRegexLiteralMembersMax = 16;  // Of a set.

// Every match of the PCRE2 expression has within itself, of each set, one
// member at least; the most telling set comes first. Of a caseless expression
// they are in lower case, and meant in any. Empty: there are none, or it cannot
// be told. `options` are bits of RegexOption.
[[nodiscard]] std::vector<RegexLiteralSet> LiteralSetsOfRegex(
    std::string_view expression, uint32_t options);

}  // namespace gatehouse
