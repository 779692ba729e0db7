// Facts that are reused do not allocate once their lists have grown.
#include <gtest/gtest.h>

#include "engine/format/executable_facts.h"
#include "tests/engine/counted_allocations.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/engine/format/executable_maker.h"

namespace gatehouse {
namespace {

TEST(FactsAllocationTest, ReadingFactsAgainAllocatesNothing) {
  MadeElf elf;
  elf.sections.resize(40);
  const std::vector<uint8_t> files[] = {MakePe({}), MakeElf(elf),
                                        MakeMachO({})};
  ExecutableFacts facts;
  std::vector<uint8_t> window(kContentWindowBytes);
  for (const bool is_warm : {false, true}) {
    for (const std::vector<uint8_t>& file : files) {
      const UniqueFd fd = FileOf(AsText(file));
      const int before = counted_new + counted_allocations;
      Content content(fd.UnsafeFd(), file.size(), window);
      const FileType type =
          DetectFileType(content.At(0, kTypeHeadBytes), file.size());
      ReadExecutableFacts(type, content, facts);
      const int after = counted_new + counted_allocations;
      EXPECT_TRUE(facts.is_valid);
      if (is_warm) {
        EXPECT_EQ(after, before);
      }
    }
  }
}

}  // namespace
}  // namespace gatehouse
