#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/writer_probe.h"

namespace gatehouse {

bool HasWriter(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return true;
  (void)::fcntl(fd, F_SETLEASE, F_UNLCK);  // It is ours: cannot fail.
  return false;
}

bool TellsWriters(int fd) {
  struct statfs status = {};
  if (::fstatfs(fd, &status) != 0) return false;
  switch (static_cast<unsigned long>(status.f_type)) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
      return true;
    default:
      return false;
  }
}

}  // namespace gatehouse
