// Tells what a layer is from its first bytes.
//
// Thread-safe. Owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "signatures/file_type.h"

namespace gatehouse {

// Tells the type of a layer of `file_bytes` bytes that starts with `head`:
// all of it, or at least kTypeHeadBytes, unless a limit or a failed read cut it
// short. Linear in head.size(); does not
// allocate. What is not recognised is kBinary.
[[nodiscard]] FileType DetectFileType(ByteView head, uint64_t file_bytes);

// Whether a text is HTML: some tag that an HTML normaliser is for stands in it.
// To look through a text in parts, let them overlap by kHtmlTagBytesMax - 1.
// A link's `<a ` and `href` are seen only in one part.
inline constexpr size_t kHtmlTagBytesMax = 7;
[[nodiscard]] bool HasHtmlTag(ByteView text);

}  // namespace gatehouse
