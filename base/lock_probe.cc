#include "base/lock_probe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace gatehouse {

LockProbe::LockProbe(const std::vector<const char*>& paths) {
  for (const char* path : paths) {
    UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.valid()) files_.push_back(std::move(file));
  }
}

bool LockProbe::IsAnyLocked() const {
  return std::any_of(files_.begin(), files_.end(), [](const UniqueFd& file) {
    struct flock lock = {};
    // Could we lock it for reading? Not while somebody writes.
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    return ::fcntl(file.UnsafeFd(), F_GETLK, &lock) == 0 &&
           lock.l_type == F_WRLCK;
  });
}

LockProbe PackageManagerLocks() {
  return LockProbe({"/var/lib/dpkg/lock", "/var/lib/dpkg/lock-frontend",
                    "/var/lib/rpm/.rpm.lock",
                    "/usr/lib/sysimage/rpm/.rpm.lock"});
}

}  // namespace gatehouse
