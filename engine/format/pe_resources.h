// The version resource of Windows executables.
//
// Thread-compatible. Owns nothing.
#pragma once

#include "engine/format/content.h"
#include "engine/format/executable_facts.h"

namespace gatehouse {

// Further entries of resource directories are not looked at.
inline constexpr size_t kResourceEntriesMax = 1024;
// Further version resources of a file are not looked at.
inline constexpr size_t kVersionResourcesMax = 16;

// Appends to facts.version_strings where the keys of version strings start.
// `facts` are those of a PE file, already valid.
void ReadVersionStrings(Content& content, ExecutableFacts& facts);

}  // namespace gatehouse
