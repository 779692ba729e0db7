#include "base/unique_fd.h"

#include <unistd.h>

#include <cassert>
#include <cerrno>

namespace gatehouse {

void UniqueFd::Reset(int fd) {
  assert(fd == -1 || fd != fd_);
  if (fd_ >= 0) {
    const int saved_errno = errno;
    // Linux frees the number even when close reports an error.
    (void)::close(fd_);
    errno = saved_errno;
  }
  fd_ = fd;
}

}  // namespace gatehouse
