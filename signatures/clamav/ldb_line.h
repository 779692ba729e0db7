// Lines of .ldb and .ldu files: logical signatures.
//
//   Name;TargetDescription;Logic;Subsignature;Subsignature;...
//
// Thread-safe: a pure function.
#pragma once

#include <string_view>

#include "signatures/clamav/signature_line.h"
#include "signatures/signature.h"

namespace gatehouse {

// `line` has no line end and no NUL. A Signature with a name that begins with
// '$' does not exist: macros are .ndb lines.
[[nodiscard]] ParsedLine<Signature> ParseLdbLine(std::string_view line);

}  // namespace gatehouse
