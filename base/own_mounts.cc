#include "base/own_mounts.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace gatehouse {
namespace {

uint64_t MountOfFile(int directory, const char* path, int flags) {
  struct statx status = {};
  if (::statx(directory, path, flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
              STATX_MNT_ID, &status) != 0 ||
      (status.stx_mask & STATX_MNT_ID) == 0) {
    return 0;
  }
  return status.stx_mnt_id;
}

std::string ReadWhole(int fd) {
  std::string text;
  std::array<char, 16384> piece = {};
  if (::lseek(fd, 0, SEEK_SET) != 0) return text;
  while (true) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<size_t>(count));
  }
}

}  // namespace

uint64_t OwnMounts::MountOf(int fd) {
  return MountOfFile(fd, "", AT_EMPTY_PATH);
}

uint64_t OwnMounts::MountOf(const char* path) {
  return MountOfFile(AT_FDCWD, path, 0);
}

void OwnMounts::Open() {
  if (mountinfo_.valid()) return;
  mountinfo_.Reset(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (mountinfo_.valid()) Read();
}

bool OwnMounts::Contains(uint64_t mount_id) {
  if (mount_id == 0) return false;
  if (!mountinfo_.valid()) {
    Open();
  } else if (HasChanged()) {
    Read();
  }
  return std::binary_search(ids_.begin(), ids_.end(), mount_id);
}

bool OwnMounts::HasChanged() const {
  pollfd wait = {mountinfo_.UnsafeFd(), POLLPRI, 0};
  return ::poll(&wait, 1, 0) == 1;
}

void OwnMounts::Read() {
  ids_.clear();
  const std::string text = ReadWhole(mountinfo_.UnsafeFd());
  std::string_view rest = text;
  while (!rest.empty()) {
    uint64_t id = 0;
    // proc_pid_mountinfo(5): the id is the first field of each line.
    if (std::from_chars(rest.data(), rest.data() + rest.size(), id).ec ==
        std::errc()) {
      ids_.push_back(id);
    }
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  std::sort(ids_.begin(), ids_.end());
}

}  // namespace gatehouse
