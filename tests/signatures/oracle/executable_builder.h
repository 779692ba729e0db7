// The smallest PE, ELF and Mach-O files with chosen sections and entry point.
//
// Thread safety: free functions on values. Ownership: everything is a value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/signatures/oracle/slow_matcher.h"

namespace gatehouse::oracle {

struct ExecutableLayout {
  int target = 1;  // 1 PE, 6 ELF, 9 Mach-O.
  // Where the PE header is; what stands before it is a DOS program.
  uint64_t header_offset = 0x80;
  // Sizes in the file; rounded up to whole alignments. At least one.
  std::vector<uint64_t> section_bytes = {0x200};
  // The entry point, from the start of the first section.
  uint64_t entry_in_first_section = 0x10;
};

struct Executable {
  std::string bytes;
  // Bytes that the format needs; the others may be overwritten.
  std::vector<bool> fixed;
  uint64_t entry_point = 0;
  std::vector<Section> sections;
};

Executable BuildExecutable(const ExecutableLayout& layout);

}  // namespace gatehouse::oracle
