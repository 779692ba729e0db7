// Facts of Windows executables, PE32 and PE32+.
//
// Thread-compatible. Owns nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/format/content.h"
#include "engine/format/executable_facts.h"

namespace gatehouse {

// Fills `facts`. Reads headers, the section table and the version resources;
// allocates only when the lists of `facts` must grow.
void ReadPeFacts(Content& content, ExecutableFacts& facts);

// The file offset of an address (relative to the image base), of a file of
// `file_bytes` bytes with these facts; std::nullopt when nothing of the file is
// loaded there.
[[nodiscard]] std::optional<uint64_t> PeFileOffset(const ExecutableFacts& facts,
                                                   uint64_t file_bytes,
                                                   uint32_t address);

}  // namespace gatehouse
