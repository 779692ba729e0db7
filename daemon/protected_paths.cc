#include "daemon/protected_paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

#include "base/mounted_file_system.h"
#include "daemon/mount_namespaces.h"

namespace gatehouse {
namespace {

constexpr const char* kProc = "/proc";
// Their tables are read once a second.
constexpr size_t kForeignNamespacesMax = 256;

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

SelectionRules RulesFor(bool allow_root_file_system) {
  SelectionRules rules;
  rules.allows_root_file_system = allow_root_file_system;
  struct stat root = {};
  // Where our root is no mount, its device is in no list.
  if (::stat("/", &root) == 0) {
    rules.root_devices.insert(std::to_string(major(root.st_dev)) + ":" +
                              std::to_string(minor(root.st_dev)));
  }
  return rules;
}

// Why what is mounted at `path` was not chosen; empty if it was.
std::string WhyNot(const std::string& path,
                   const std::vector<MountedFileSystem>& mounts,
                   const ProtectedPaths& found) {
  const auto top = std::find_if(
      mounts.rbegin(), mounts.rend(),
      [&path](const auto& mount) { return mount.mount_point == path; });
  if (top == mounts.rend()) return "not a mount point";
  const auto is_its = [&top](const auto& one) {
    return one.device == top->device;
  };
  if (std::any_of(found.file_systems.begin(), found.file_systems.end(),
                  is_its)) {
    return "";
  }
  const auto left_out =
      std::find_if(found.left_out.begin(), found.left_out.end(), is_its);
  return left_out == found.left_out.end() ? "not to be found"
                                          : TextOf(*left_out);
}

void CountOver(ProtectedPaths& found, size_t count, const std::string& what) {
  if (count == 0) return;
  found.limits.push_back(std::to_string(count) + " " + what +
                         " are not protected: there are too many");
}

void Take(ProtectedPaths& found, MountSelection selection) {
  found.file_systems = std::move(selection.file_systems);
  found.left_out = std::move(selection.left_out);
  CountOver(found, selection.mounts_over_limit, "mounts");
  CountOver(found, selection.file_systems_over_limit, "file systems");
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
  const MountNamespace own = OwnMountNamespace(kProc);
  const std::vector<MountedFileSystem> mounts = ParseMountInfo(own.mountinfo);
  SelectionRules rules = RulesFor(allow_root_file_system);
  for (const std::string& path : paths) {
    Result<std::string> canonical =
        FindMountPoint(path, mounts, allow_root_file_system);
    if (canonical) {
      rules.paths.push_back(std::move(*canonical));
    } else {
      found.missing.push_back(canonical.error());
    }
  }
  Take(found, SelectFileSystems(std::span(&own, 1), rules));
  for (const std::string& path : rules.paths) {
    const std::string reason = WhyNot(path, mounts, found);
    if (reason.empty()) continue;
    found.missing.push_back(
        {ErrorCode::kInvalidInput, "--protect '" + path + "': " + reason});
  }
  return found;
}

ProtectedPaths FindAllFileSystems(bool allow_root_file_system) {
  ProtectedPaths found;
  const MountNamespaces namespaces =
      FindMountNamespaces(kProc, kForeignNamespacesMax);
  SelectionRules rules = RulesFor(allow_root_file_system);
  rules.is_everywhere = true;
  Take(found, SelectFileSystems(namespaces.list, rules));
  CountOver(found, namespaces.over_limit, "mount namespaces");
  return found;
}

std::string TextOf(const MountPlace& place) {
  if (place.pid == 0) return place.mount_point;
  return place.mount_point + " (process " + std::to_string(place.pid) + ")";
}

}  // namespace gatehouse
