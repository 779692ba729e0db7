// Fuzzes the readers of PE headers, version resources and import tables: the
// input is the file.
#include <optional>
#include <string>

#include "engine/format/pe_facts.h"
#include "engine/format/pe_imports.h"
#include "fuzz/facts_require.h"

using gatehouse::Content;
using gatehouse::ExecutableFacts;
using gatehouse::ExecutableSection;
using gatehouse::Require;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gatehouse::ByteView bytes(data, size);
  const ExecutableFacts facts = gatehouse::RequireFacts(
      bytes, [](Content& content, ExecutableFacts& read) {
        gatehouse::ReadPeFacts(content, read);
      });
  Require(!facts.is_valid || *facts.entry_point < size,
          "the entry point lies in the file");
  for (const ExecutableSection& section : facts.sections) {
    Require(section.raw_bytes == 0 ||
                (section.raw_offset < size &&
                 section.raw_bytes <= size - section.raw_offset),
            "what a section has lies in the file");
  }
  if (!facts.is_valid) return 0;
  Content content(bytes);
  const std::optional<std::string> text =
      gatehouse::ReadImportText(content, facts);
  Require(!text || text->size() <= gatehouse::kImportTextBytesMax,
          "the import text has its limit");
  return 0;
}
