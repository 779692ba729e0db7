#include "base/file_custody.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <string_view>

#include "base/unique_fd.h"

namespace gatehouse {
namespace {

// Of directories above a file that are looked at.
constexpr int kDepthMax = 64;

// A place in the tree, not the content there, and only what the kernel knows
// without asking anybody: an opener is held while we look, and the way may lead
// through a file system that would ask us, or hang.
UniqueFd FindCached(int directory, const char* path, uint64_t flags) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW | flags;
  how.resolve =
      RESOLVE_CACHED | RESOLVE_NO_SYMLINKS | uint64_t{RESOLVE_NO_MAGICLINKS};
  return UniqueFd(static_cast<int>(
      ::syscall(SYS_openat2, directory, path, &how, sizeof(how))));
}

bool IsSameFile(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// The directory in which the file has a name that leads to it; invalid if none
// is found.
UniqueFd FindDirectory(int fd, const struct stat& file) {
  std::array<char, 32> link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", fd);
  std::array<char, PATH_MAX> path = {};
  const ssize_t length = ::readlink(link.data(), path.data(), path.size() - 1);
  if (length <= 1 || path.front() != '/') return {};
  const std::string_view text(path.data(), static_cast<size_t>(length));
  const size_t slash = text.rfind('/');
  const char* name = path.data() + slash + 1;
  // "/file" lies in "/".
  path.at(slash == 0 ? 0 : slash) = '\0';
  UniqueFd directory =
      FindCached(AT_FDCWD, slash == 0 ? "/" : path.data(), O_DIRECTORY);
  if (!directory.valid()) return {};
  const UniqueFd found = FindCached(directory.UnsafeFd(), name, 0);
  struct stat status = {};
  if (!found.valid() || ::fstat(found.UnsafeFd(), &status) != 0 ||
      !IsSameFile(status, file)) {
    return {};
  }
  return directory;
}

bool LiesBelow(UniqueFd directory, struct stat status,
               const SystemLibraries& libraries) {
  for (int depth = 0; depth < kDepthMax; ++depth) {
    if (libraries.Contains(status.st_dev, status.st_ino)) return true;
    UniqueFd parent = FindCached(directory.UnsafeFd(), "..", O_DIRECTORY);
    struct stat above = {};
    if (!parent.valid() || ::fstat(parent.UnsafeFd(), &above) != 0 ||
        IsSameFile(above, status)) {
      return false;
    }
    directory = std::move(parent);
    status = above;
  }
  return false;
}

}  // namespace

SystemLibraries SystemLibraries::Find() {
  return SystemLibraries({"/lib", "/lib32", "/lib64", "/libx32", "/usr/lib",
                          "/usr/lib32", "/usr/lib64", "/usr/libx32",
                          "/usr/libexec"});
}

SystemLibraries::SystemLibraries(const std::vector<const char*>& paths) {
  for (const char* path : paths) {
    struct stat status = {};
    if (::stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) continue;
    directories_.push_back({status.st_dev, status.st_ino});
  }
}

bool SystemLibraries::Contains(dev_t device, ino_t inode) const {
  return std::any_of(directories_.begin(), directories_.end(),
                     [&](const Identity& one) {
                       return one.device == device && one.inode == inode;
                     });
}

FileCustody CustodyOf(int fd, const SystemLibraries& libraries) {
  FileCustody custody;
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return custody;
  custody.is_known = true;
  custody.owner = status.st_uid;
  custody.mode = status.st_mode;
  struct statfs mount = {};
  custody.is_on_nosuid_mount =
      ::fstatfs(fd, &mount) == 0 &&
      (static_cast<unsigned long>(mount.f_flags) & ST_NOSUID) != 0;
  UniqueFd directory = FindDirectory(fd, status);
  struct stat directory_status = {};
  if (!directory.valid() ||
      ::fstat(directory.UnsafeFd(), &directory_status) != 0) {
    return custody;
  }
  custody.is_directory_known = true;
  custody.directory_owner = directory_status.st_uid;
  custody.directory_mode = directory_status.st_mode;
  custody.is_in_system_libraries =
      LiesBelow(std::move(directory), directory_status, libraries);
  return custody;
}

}  // namespace gatehouse
