#include "base/file_system_facts.h"

#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <cstdio>

namespace gatehouse {
namespace {

// The magic number of the file system; 0 if it cannot be told.
unsigned long TypeOf(int fd) {
  struct statfs status = {};
  if (::fstatfs(fd, &status) != 0) return 0;
  return static_cast<unsigned long>(status.f_type);
}

// Since 6.5 the kernel pins no page for long that is written back.
bool IsKernelBefore65() {
  struct utsname name = {};
  unsigned major = 0;
  unsigned minor = 0;
  if (::uname(&name) != 0 ||
      std::sscanf(name.release, "%u.%u", &major, &minor) != 2) {
    return true;
  }
  return major < 6 || (major == 6 && minor < 5);
}

}  // namespace

bool TellsWriters(int fd) {
  switch (TypeOf(fd)) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
      return true;
    default:
      return false;
  }
}

bool KeepsPinnedPages(int fd) {
  static const bool is_old = IsKernelBefore65();
  return is_old || TypeOf(fd) == TMPFS_MAGIC;
}

}  // namespace gatehouse
