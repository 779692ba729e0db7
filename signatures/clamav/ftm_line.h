// Lines of .ftm files: by what bytes a file type is known.
//
//   Kind:Offset:Hex:Name:RequiredType:Type[:MinFL[:MaxFL]]
//
// Kind 0 is bytes at an offset, 1 a pattern, 4 bytes of a partition. Thread-
// safe: a pure function.
#pragma once

#include <string_view>

#include "signatures/clamav/signature_line.h"
#include "signatures/magic_table.h"

namespace gatehouse {

// `line` has no line end and no NUL. Types without a target of their own, and
// what cannot be seen in the first kTypeHeadBytes, are not supported.
[[nodiscard]] ParsedLine<TypeMagic> ParseFtmLine(std::string_view line);

}  // namespace gatehouse
