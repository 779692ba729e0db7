// Lines of .ndb files: body signatures.
//
//   Name:Target:Offset:Hex[:minFL[:maxFL]]
//
// Loaded: plain hexadecimal bytes, at any place (`*`) or at one decimal offset,
// for any kind of file (target 0 or `*`). The rest of the format is recognised
// and skipped: wildcards, offsets relative to something, shifts, targets.
//
// Thread-safe: a pure function.
#pragma once

#include <string_view>

#include "signatures/signature_line.h"
#include "signatures/signature_set.h"

namespace gatehouse {

// `line` has no line end and no NUL. A line with a mistake is malformed even
// where it would be skipped otherwise.
[[nodiscard]] ParsedLine<BodySignature> ParseNdbLine(std::string_view line);

}  // namespace gatehouse
