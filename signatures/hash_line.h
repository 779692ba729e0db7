// Lines of .hdb and .hsb files: digests of whole files.
//
//   hash:size:name[:minFL[:maxFL]]
//
// The number of digits tells the algorithm (32 MD5, 40 SHA-1, 64 SHA-256), not
// the name of the file. A size of `*` demands a minFL of 73 or more.
//
// Thread-safe: a pure function.
#pragma once

#include <string_view>

#include "signatures/signature_line.h"
#include "signatures/signature_set.h"

namespace gatehouse {

// `line` has no line end and no NUL.
[[nodiscard]] ParsedLine<HashSignature> ParseHashLine(std::string_view line);

}  // namespace gatehouse
