// Fuzzes the reader of ELF headers: the input is the file.
#include "engine/format/elf_facts.h"
#include "fuzz/facts_require.h"

using gatehouse::Content;
using gatehouse::ExecutableFacts;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gatehouse::ByteView bytes(data, size);
  (void)gatehouse::RequireFacts(bytes,
                                [](Content& content, ExecutableFacts& facts) {
                                  gatehouse::ReadElfFacts(content, facts);
                                });
  return 0;
}
