#include "daemon/mount_namespaces.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "base/mounted_file_system.h"
#include "base/number_entries.h"
#include "base/own_mounts.h"

namespace gatehouse {
namespace {

// A lookup in memory is tried again if somebody mounts or renames meanwhile.
constexpr int kCachedTries = 16;

// 0: gone, or not ours to see.
uint64_t NamespaceOf(const std::string& process) {
  struct stat status = {};
  const std::string path = process + "/ns/mnt";
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

std::string ReadMountInfo(const std::string& process) {
  std::ifstream file(process + "/mountinfo");
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

bool HasRoot(const MountNamespace& one) {
  const std::vector<MountedFileSystem> mounts = ParseMountInfo(one.mountinfo);
  return std::any_of(mounts.begin(), mounts.end(), [](const auto& mount) {
    return mount.mount_point == "/";
  });
}

// Process 1 stands for its namespace: it is first.
std::vector<pid_t> Processes(const std::string& proc) {
  std::vector<pid_t> pids = NumbersIn(proc);
  std::sort(pids.begin(), pids.end());
  return pids;
}

UniqueFd OpenIn(int root, const std::string& path, uint64_t resolve) {
  struct open_how how = {};
  how.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = resolve;
  for (int i = 0; i < kCachedTries; ++i) {
    UniqueFd opened(static_cast<int>(
        ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how))));
    if (opened.valid() || errno != EAGAIN) return opened;
  }
  return {};
}

UniqueFd OpenForeign(const MountPlace& place) {
  const std::string link = "/proc/" + std::to_string(place.pid) + "/root";
  const UniqueFd root(::open(link.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return {};
  const std::string below =
      place.mount_point == "/" ? "." : place.mount_point.substr(1);
  return OpenIn(root.UnsafeFd(), below, RESOLVE_CACHED | RESOLVE_NO_SYMLINKS);
}

UniqueFd OpenOwn(const MountPlace& place) {
  UniqueFd opened = OpenIn(AT_FDCWD, place.mount_point, RESOLVE_CACHED);
  // Before Linux 5.12, or much is being mounted: as it was looked at.
  if (!opened.valid() &&
      (errno == EAGAIN || errno == EINVAL || errno == ENOSYS)) {
    opened.Reset(::open(place.mount_point.c_str(),
                        O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  return opened;
}

}  // namespace

MountNamespace OwnMountNamespace(const std::string& proc) {
  const std::string self = proc + "/self";
  return {NamespaceOf(self), 0, ReadMountInfo(self)};
}

MountNamespaces FindMountNamespaces(const std::string& proc,
                                    size_t foreign_max) {
  MountNamespaces found;
  found.list.push_back(OwnMountNamespace(proc));
  std::unordered_map<uint64_t, size_t> index_by_id;
  std::unordered_map<uint64_t, bool> is_settled;
  is_settled[found.list.front().id] = true;
  for (const pid_t pid : Processes(proc)) {
    const std::string process = proc + "/" + std::to_string(pid);
    const uint64_t id = NamespaceOf(process);
    if (id == 0 || is_settled[id]) continue;
    const auto known = index_by_id.find(id);
    if (known == index_by_id.end() && index_by_id.size() >= foreign_max) {
      is_settled[id] = true;
      ++found.over_limit;
      continue;
    }
    MountNamespace one = {id, pid, ReadMountInfo(process)};
    // It may be another process by now, or in another namespace.
    if (one.mountinfo.empty() || NamespaceOf(process) != id) continue;
    is_settled[id] = HasRoot(one);
    if (known == index_by_id.end()) {
      index_by_id[id] = found.list.size();
      found.list.push_back(std::move(one));
    } else if (is_settled[id]) {
      found.list.at(known->second) = std::move(one);
    }
  }
  return found;
}

OpenedPlace OpenPlace(const MountPlace& place) {
  OpenedPlace opened;
  const UniqueFd found = place.pid == 0 ? OpenOwn(place) : OpenForeign(place);
  if (!found.valid()) {
    opened.error_number = errno;
    return opened;
  }
  // Mounts have one number each, whatever the namespace.
  if (OwnMounts::MountOf(found.UnsafeFd()) != place.mount_id) {
    opened.error_number = ESTALE;
    return opened;
  }
  opened.directory.Reset(
      ::openat(found.UnsafeFd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.directory.valid()) opened.error_number = errno;
  return opened;
}

}  // namespace gatehouse
