// One subsignature of an .ldb line: a pattern, a PCRE2 expression, a byte
// compare or a macro.
//
//   [offset:]hex[::flags]                        flags of i w f a
//   [offset:]trigger/expression/[flags]          flags of i s m x A E U g r e f
//   reference(distance#options#comparison[,comparison])
//   ${min-max}group$
//
// Thread-safe: a pure function.
#pragma once

#include <string_view>

#include "signatures/clamav/signature_line.h"
#include "signatures/signature.h"

namespace gatehouse {

// It is number `index` of its line; triggers and references are about earlier
// ones. Nodes of a trigger are appended to `logic`.
[[nodiscard]] ParsedLine<Atom> ParseSubsignature(std::string_view text,
                                                 uint32_t index, Target target,
                                                 Logic& logic);

}  // namespace gatehouse
