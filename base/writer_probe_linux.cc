#include <fcntl.h>

#include "base/writer_probe.h"

namespace gatehouse {

bool HasWriter(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return true;
  (void)::fcntl(fd, F_SETLEASE, F_UNLCK);  // It is ours: cannot fail.
  return false;
}

}  // namespace gatehouse
