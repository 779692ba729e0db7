// Facts of Mach-O files, 32 and 64 bit, of both byte orders.
//
// Thread-compatible. Owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/format/content.h"
#include "engine/format/executable_facts.h"

namespace gatehouse {

inline constexpr size_t kMachOCommandsMax = 1024;
inline constexpr size_t kMachOSlicesMax = 31;

// Fills `facts`: the sections of all segments, and the entry point. As ClamAV
// has it, that is offset 0 but for PowerPC, whose initial thread state counts.
// A universal file has no facts: its slices are layers of their own.
void ReadMachOFacts(Content& content, ExecutableFacts& facts);

// One Mach-O file within a universal file.
struct MachOSlice {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

// Fills `slices` with those of a universal file that start within it, each cut
// at the file's end. Empty for any other file.
void ReadMachOSlices(Content& content, std::vector<MachOSlice>& slices);

}  // namespace gatehouse
