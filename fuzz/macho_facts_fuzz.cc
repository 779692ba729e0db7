// Fuzzes the reader of Mach-O headers and of tables of universal slices: the
// input is the file.
#include "engine/format/macho_facts.h"
#include "fuzz/facts_require.h"

using gatehouse::Content;
using gatehouse::ExecutableFacts;
using gatehouse::MachOSlice;
using gatehouse::Require;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gatehouse::ByteView bytes(data, size);
  (void)gatehouse::RequireFacts(bytes,
                                [](Content& content, ExecutableFacts& facts) {
                                  gatehouse::ReadMachOFacts(content, facts);
                                });
  Content content(bytes);
  std::vector<MachOSlice> slices;
  gatehouse::ReadMachOSlices(content, slices);
  Require(slices.size() <= gatehouse::kMachOSlicesMax, "limits hold");
  for (const MachOSlice& slice : slices) {
    Require(slice.offset < size && slice.bytes <= size - slice.offset,
            "a slice lies in the file");
  }
  return 0;
}
