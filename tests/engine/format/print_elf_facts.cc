// Prints the facts of the ELF files named: one line for the file with its entry
// point, one for each section. For readelf_test.py.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <vector>

#include "base/unique_fd.h"
#include "engine/format/elf_facts.h"

namespace gatehouse {
namespace {

int Print(int argc, char** argv) {
  std::vector<uint8_t> window(kContentWindowBytes);
  ExecutableFacts facts;
  for (int i = 1; i < argc; ++i) {
    const UniqueFd file(::open(argv[i], O_RDONLY | O_CLOEXEC));
    struct stat status = {};
    if (!file.valid() || ::fstat(file.UnsafeFd(), &status) != 0) return 1;
    Content content(file.UnsafeFd(), static_cast<uint64_t>(status.st_size),
                    window);
    ReadElfFacts(content, facts);
    std::printf("%s %d %lld\n", argv[i], facts.is_valid ? 1 : 0,
                static_cast<long long>(facts.entry_point.value_or(0)));
    for (const ExecutableSection& section : facts.sections) {
      std::printf(" %llx %llx %llx\n",
                  static_cast<unsigned long long>(section.address),
                  static_cast<unsigned long long>(section.raw_offset),
                  static_cast<unsigned long long>(section.raw_bytes));
    }
  }
  return 0;
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) { return gatehouse::Print(argc, argv); }
