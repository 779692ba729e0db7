#include <sys/mman.h>

#include <cerrno>

#include "base/memory_file.h"

namespace gatehouse {

Result<UniqueFd> CreateMemoryFile(const char* name) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd.valid()) return FailSystem("create a file in memory", errno);
  return fd;
}

}  // namespace gatehouse
