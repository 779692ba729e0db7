// The import table of Windows executables as one text, whose hash `.imp`
// signatures hold.
//
// Thread-compatible. Owns nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/format/content.h"
#include "engine/format/executable_facts.h"

namespace gatehouse {

// A file with more libraries, functions or text has no import text.
inline constexpr size_t kImportLibrariesMax = 1024;
inline constexpr size_t kImportFunctionsMax = 32768;
inline constexpr size_t kImportTextBytesMax = size_t{1} << 20;
// A longer name of a library or function is cut.
inline constexpr size_t kImportNameBytesMax = 256;

// "kernel32.exitprocess,foo.ord7": all in lower case, libraries without .dll,
// .ocx or .sys, numbers as ordN but for the well-known ones. std::nullopt for a
// table that is damaged, of other limits, or with a function whose name is not
// made of letters, digits, `_` and `.`: those have no hash.
//
// `facts` are those of this file, valid. The text's size is the signature's
// size field. Allocates the text.
[[nodiscard]] std::optional<std::string> ReadImportText(
    Content& content, const ExecutableFacts& facts);

}  // namespace gatehouse
