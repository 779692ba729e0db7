// Whether PCRE2 takes an expression, asked when it is loaded.
//
// Thread-safe: a pure function. CPU-bound: microseconds.
#pragma once

#include <optional>
#include <string>

#include "signatures/signature.h"

namespace gatehouse {

// The PCRE2 options (of pcre2_compile) that stand for RegexOption bits.
[[nodiscard]] uint32_t Pcre2Options(uint32_t regex_options);

// Why it cannot be compiled, or nothing.
[[nodiscard]] std::optional<std::string> RegexObjection(const RegexAtom& atom);

}  // namespace gatehouse
