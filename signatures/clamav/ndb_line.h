// Lines of .ndb and .ndu files, and of the oldest format, .db: one pattern.
//
//   Name:Target:Offset:Hex[:MinFL[:MaxFL]]        Name=Hex
//
// Thread-safe: pure functions.
#pragma once

#include <string_view>

#include "signatures/clamav/signature_line.h"
#include "signatures/signature.h"

namespace gatehouse {

// `line` has no line end and no NUL.
[[nodiscard]] ParsedLine<Signature> ParseNdbLine(std::string_view line);
[[nodiscard]] ParsedLine<Signature> ParseDbLine(std::string_view line);

// A target's number, or *.
[[nodiscard]] ParsedLine<Target> ParseTarget(std::string_view text);

}  // namespace gatehouse
