#include "base/file_state.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/sysmacros.h>

namespace gatehouse {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t Nanoseconds(const struct statx_timestamp& time) {
  return time.tv_sec * kNsPerSecond + time.tv_nsec;
}

bool IsRootsAlone(uid_t owner, mode_t mode) {
  return owner == 0 && (mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * kNsPerSecond + time.tv_nsec;
}

bool IsWritableByRootOnly(const struct stat& status) {
  return IsRootsAlone(status.st_uid, status.st_mode);
}

FileState StateOf(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size,
          Nanoseconds(status.st_mtim), Nanoseconds(status.st_ctim)};
}

std::optional<FileLook> LookAt(int fd) {
  struct statx status = {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) != 0) {
    return std::nullopt;
  }
  constexpr uint64_t kSealed = STATX_ATTR_IMMUTABLE | STATX_ATTR_VERITY;
  FileLook look;
  look.state = {::makedev(status.stx_dev_major, status.stx_dev_minor),
                status.stx_ino, static_cast<int64_t>(status.stx_size),
                Nanoseconds(status.stx_mtime), Nanoseconds(status.stx_ctime)};
  look.is_immutable = (status.stx_attributes & kSealed) != 0;
  return look;
}

}  // namespace gatehouse
