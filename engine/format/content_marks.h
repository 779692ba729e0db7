// What stands anywhere at the beginning of a layer and tells its type: names of
// documents in XML, tags of HTML, headers of mail.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "signatures/file_type.h"

namespace gatehouse {

// By the first KiB, in text and binary files alike. Nothing: no such mark.
[[nodiscard]] std::optional<FileType> TypeByMarks(std::string_view head);

// Whether a tag stands in a text that an HTML normaliser is for, or a link. Of
// every `stride`th character, from the first on: with 2, of UTF-16, one byte of
// each unit.
[[nodiscard]] bool HasTagOfHtml(std::string_view text, size_t stride);

}  // namespace gatehouse
