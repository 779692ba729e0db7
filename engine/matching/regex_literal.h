// What every match of an expression contains, so that it need not be run where
// that is not.
//
// Thread-safe: a pure function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// Shorter ones are nearly everywhere.
inline constexpr size_t kRegexLiteralBytesMin = 2;
inline constexpr size_t kRegexLiteralsMax = 4;

// The longest runs of characters that every match of the PCRE2 expression has
// within itself, the longest first; of a caseless one in lower case, and meant
// in any. Empty: there are none, or it cannot be told. `options` are bits of
// RegexOption.
[[nodiscard]] std::vector<std::string> LiteralsOfRegex(
    std::string_view expression, uint32_t options);

}  // namespace gatehouse
