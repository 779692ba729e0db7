// ExecutableFacts: what signature offsets (EP+n, Sx+n, SL+n, SEx, VI) and gates
// (EntryPoint, NumberOfSections) need to know of an executable.
//
// Thread-compatible. Owns its lists; Clear() keeps their memory, so that facts
// that are reused do not allocate in the steady state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/format/content.h"
#include "engine/format/file_type.h"

namespace gatehouse {

// A file with more sections is not valid, as ClamAV has it.
inline constexpr size_t kPeSectionsMax = 96;
inline constexpr size_t kElfSectionsMax = 256;
inline constexpr size_t kMachOSectionsMax = 2048;
// Further version strings of a PE file are ignored.
inline constexpr size_t kVersionStringsMax = 1024;

// Offsets count from the start of the file. They are those that signatures
// mean, which for PE are rounded and cut at the file's end.
struct ExecutableSection {
  uint64_t raw_offset = 0;
  uint64_t raw_bytes = 0;
  uint64_t address = 0;  // PE: relative to the image base.
  uint64_t address_bytes = 0;
};

// A range of addresses.
struct AddressRange {
  uint32_t address = 0;
  uint32_t bytes = 0;
};

// Where to find more in a PE file.
struct PeLayout {
  bool is_64_bit = false;
  uint32_t header_bytes = 0;  // Addresses below are file offsets.
  AddressRange imports;
  AddressRange resources;
};

struct ExecutableFacts {
  // False: the headers contradict themselves or the file's size; then offsets
  // that are not absolute never match and gates never open.
  bool is_valid = false;
  std::optional<uint64_t> entry_point;  // File offset. Always there for PE.
  std::vector<ExecutableSection> sections;
  // Where in the file the keys of the version resource's strings start ("VI"
  // matches there), ascending. PE only.
  std::vector<uint64_t> version_strings;
  PeLayout pe;

  void Clear();
};

// Fills `facts` for a layer of type `type`; for other types than MSEXE, ELF,
// MACHO and MACHO_UNIBIN it is only cleared. Bounded in time and memory by the
// limits above, whatever the headers say. A failed read (content.error_number)
// looks like the end of the file.
void ReadExecutableFacts(FileType type, Content& content,
                         ExecutableFacts& facts);

}  // namespace gatehouse
