#include "engine/format/executable_facts.h"

#include "engine/format/elf_facts.h"
#include "engine/format/macho_facts.h"
#include "engine/format/pe_facts.h"

namespace gatehouse {

void ExecutableFacts::Clear() {
  is_valid = false;
  entry_point.reset();
  sections.clear();
  version_strings.clear();
  pe = PeLayout();
}

void ReadExecutableFacts(FileType type, Content& content,
                         ExecutableFacts& facts) {
  if (type == FileType::kMsExe) {
    ReadPeFacts(content, facts);
  } else if (type == FileType::kElf) {
    ReadElfFacts(content, facts);
  } else if (type == FileType::kMachO || type == FileType::kMachOUniversal) {
    ReadMachOFacts(content, facts);
  } else {
    facts.Clear();
  }
}

}  // namespace gatehouse
