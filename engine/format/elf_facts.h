// Facts of ELF files, 32 and 64 bit, of both byte orders.
//
// Thread-compatible. Owns nothing.
#pragma once

#include "engine/format/content.h"
#include "engine/format/executable_facts.h"

namespace gatehouse {

inline constexpr size_t kElfSegmentsMax = 128;

// Fills `facts`: the entry point through the program headers, the sections as
// the section headers have them. Allocates only when the list must grow.
void ReadElfFacts(Content& content, ExecutableFacts& facts);

}  // namespace gatehouse
