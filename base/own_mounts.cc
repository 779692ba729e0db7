#include "base/own_mounts.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <string>

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
  Refresh();
  return Find(mounts_, mount_id) != nullptr;
}

std::string OwnMounts::TypeOf(uint64_t mount_id) {
  Refresh();
  const Mount* mount = Find(mounts_, mount_id);
  return mount == nullptr ? "" : mount->second;
}

std::string OwnMounts::TypeAsSeenBy(pid_t pid, uint64_t mount_id) {
  const std::string path = "/proc/" + std::to_string(pid) + "/mountinfo";
  const UniqueFd mountinfo(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!mountinfo.valid()) return "";
  const std::vector<Mount> mounts = ReadSorted(mountinfo.UnsafeFd());
  const Mount* mount = Find(mounts, mount_id);
  return mount == nullptr ? "" : mount->second;
}

const OwnMounts::Mount* OwnMounts::Find(const std::vector<Mount>& mounts,
                                        uint64_t mount_id) {
  if (mount_id == 0) return nullptr;
  const auto found = std::lower_bound(
      mounts.begin(), mounts.end(), mount_id,
      [](const Mount& mount, uint64_t id) { return mount.first < id; });
  return found != mounts.end() && found->first == mount_id ? &*found : nullptr;
}

void OwnMounts::Refresh() {
  if (!mountinfo_.valid()) {
    Open();
  } else if (HasChanged()) {
    Read();
  }
}

bool OwnMounts::HasChanged() const {
  pollfd wait = {mountinfo_.UnsafeFd(), POLLPRI, 0};
  return ::poll(&wait, 1, 0) == 1;
}

void OwnMounts::Read() { mounts_ = ReadSorted(mountinfo_.UnsafeFd()); }

std::vector<OwnMounts::Mount> OwnMounts::ReadSorted(int mountinfo) {
  std::vector<Mount> mounts;
  std::istringstream text(ReadWhole(mountinfo));
  std::string line;
  while (std::getline(text, line)) {
    // proc_pid_mountinfo(5): the id comes first, the type after the " - " that
    // ends the optional fields. Spaces in paths are written otherwise.
    uint64_t id = 0;
    const char* end = line.data() + line.size();
    if (std::from_chars(line.data(), end, id).ec != std::errc()) continue;
    std::string type;
    const size_t separator = line.find(" - ");
    if (separator != std::string::npos) {
      const size_t begin = separator + 3;
      type = line.substr(begin, line.find(' ', begin) - begin);
    }
    mounts.emplace_back(id, std::move(type));
  }
  std::sort(mounts.begin(), mounts.end());
  return mounts;
}

}  // namespace gatehouse
