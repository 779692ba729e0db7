#include "daemon/protected_paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>

#include "base/mounted_file_system.h"

namespace gatehouse {
namespace {

std::string ReadMountInfo() {
  std::ifstream file("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

bool IsAtOrBelow(std::string_view path, std::string_view directory) {
  if (!path.starts_with(directory)) return false;
  return path.size() == directory.size() || directory == "/" ||
         path[directory.size()] == '/';
}

struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

Result<std::string> CanonicalPath(const std::string& path) {
  const std::unique_ptr<char, FreeText> resolved(
      ::realpath(path.c_str(), nullptr));
  if (resolved == nullptr) {
    return FailSystem("--protect '" + path + "'", errno);
  }
  return std::string(resolved.get());
}

Result<struct statx> StatMount(const std::string& path) {
  struct statx status = {};
  if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT, STATX_BASIC_STATS,
              &status) != 0) {
    return FailSystem("--protect '" + path + "'", errno);
  }
  return status;
}

Result<bool> CheckMountPoint(const std::string& path,
                             bool allow_root_file_system) {
  const Result<struct statx> status = StatMount(path);
  if (!status) return Unexpected(status.error());
  const Result<struct statx> root = StatMount("/");
  if (!root) return Unexpected(root.error());
  const std::string prefix = "--protect '" + path + "': ";
  if (!S_ISDIR(status->stx_mode)) {
    return Fail(ErrorCode::kInvalidInput, prefix + "not a directory");
  }
  if ((status->stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
    return Fail(ErrorCode::kInvalidInput,
                prefix +
                    "not a mount point; protection covers whole file "
                    "systems, name the place where one is mounted");
  }
  const bool same_device = status->stx_dev_major == root->stx_dev_major &&
                           status->stx_dev_minor == root->stx_dev_minor;
  if (same_device && !allow_root_file_system) {
    return Fail(ErrorCode::kInvalidInput,
                prefix +
                    "on the root file system; "
                    "--allow-root-file-system protects that too");
  }
  return true;
}

// The topmost mount on the way to `path`, as text; null if there is none.
const MountedFileSystem* MountOf(const std::string& path,
                                 const std::vector<MountedFileSystem>& mounts) {
  const MountedFileSystem* best = nullptr;
  for (const MountedFileSystem& mount : mounts) {
    if (!IsAtOrBelow(path, mount.mount_point)) continue;
    if (best == nullptr || mount.mount_point.size() >= best->mount_point.size())
      best = &mount;
  }
  return best;
}

// The path as the kernel lists it.
Result<std::string> FindMountPoint(const std::string& path,
                                   const std::vector<MountedFileSystem>& mounts,
                                   bool allow_root_file_system) {
  // Before anything asks its server.
  const MountedFileSystem* mount = MountOf(path, mounts);
  if (mount != nullptr && MayHang(mount->type)) {
    return Fail(ErrorCode::kNotSupported,
                "--protect '" + path + "': below a file system (" +
                    mount->type + ") whose server may hang");
  }
  Result<std::string> canonical = CanonicalPath(path);
  if (!canonical) return canonical;
  const Result<bool> usable =
      CheckMountPoint(*canonical, allow_root_file_system);
  if (!usable) return Unexpected(usable.error());
  return canonical;
}

}  // namespace

bool FileMayHang(int fd, pid_t peer, OwnMounts& mounts) {
  const uint64_t mount = OwnMounts::MountOf(fd);
  std::string type = mounts.TypeOf(mount);
  if (type.empty()) type = OwnMounts::TypeAsSeenBy(peer, mount);
  // A mount that nobody knows may be anything.
  return type.empty() || MayHang(type);
}

ProtectedPaths FindProtectedPaths(const std::vector<std::string>& paths,
                                  bool allow_root_file_system) {
  ProtectedPaths found;
  const std::vector<MountedFileSystem> mounts = ParseMountInfo(ReadMountInfo());
  std::set<std::string> devices;
  for (const std::string& path : paths) {
    const Result<std::string> canonical =
        FindMountPoint(path, mounts, allow_root_file_system);
    if (!canonical) {
      found.missing.push_back(canonical.error());
      continue;
    }
    // A later mount hides an earlier one at the same place: begin at the end.
    for (auto mount = mounts.rbegin(); mount != mounts.rend(); ++mount) {
      if (!IsAtOrBelow(mount->mount_point, *canonical)) continue;
      if (MayHang(mount->type)) {
        found.left_out.push_back("'" + mount->mount_point +
                                 "': " + mount->type);
        continue;
      }
      if (!devices.insert(mount->device).second) continue;
      found.file_systems.push_back(
          {mount->mount_point, mount->type, mount->mount_point == *canonical});
    }
  }
  return found;
}

}  // namespace gatehouse
