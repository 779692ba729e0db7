// Cutting and reading of plain text, for the parsers of the oracle.
//
// Thread safety: free functions on values. Ownership: results that are views
// look into the argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::oracle {

// Digits only, and no more than fit into 64 bits.
std::optional<uint64_t> ParseDecimal(std::string_view text);
// As ParseDecimal; "0x" in front means hex.
std::optional<uint64_t> ParseNumber(std::string_view text);

std::vector<std::string_view> SplitText(std::string_view text, char separator);

// Two lower-case digits for each byte.
std::string ToHex(std::string_view bytes);
// Nothing unless all of `digits` is pairs of hex digits.
std::optional<std::string> FromHex(std::string_view digits);

std::string LowerCase(std::string_view text);

}  // namespace gatehouse::oracle
