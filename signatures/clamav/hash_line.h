// Lines of files with digests.
//
//   hash:size:name[:minFL[:maxFL]]    .hdb .hsb .hdu .hsu .fp .sfp  a whole
//   file
//                                     .imp   the imports of a PE file
//   size:hash:name[:minFL[:maxFL]]    .mdb .msb .mdu .msu  a section of a PE
//   file
//
// The number of digits tells the algorithm (32 MD5, 40 SHA-1, 64 SHA-256), not
// the name of the file. A size of `*` demands a minFL of 73 or more, but not of
// imports.
//
// Thread-safe: a pure function.
#pragma once

#include <cstdint>
#include <string_view>

#include "signatures/clamav/signature_line.h"
#include "signatures/hash_signature.h"

namespace gatehouse {

enum class HashLineKind : uint8_t { kFile, kSection, kImports };

// `line` has no line end and no NUL.
[[nodiscard]] ParsedLine<HashSignature> ParseHashLine(
    std::string_view line, HashLineKind kind = HashLineKind::kFile);

}  // namespace gatehouse
