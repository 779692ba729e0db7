// Which of the mounted file systems are to be protected, and which are left out
// and why: a pure function over the mountinfo of mount namespaces.
//
// A file system is marked once, wherever it is mounted; what counts is a place
// where it can be opened without asking anybody who may not answer.
//
// Thread-safe: pure functions.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

struct MountNamespace {
  uint64_t id = 0;        // Inode of /proc/PID/ns/mnt.
  pid_t pid = 0;          // Who is in it; 0: we are.
  std::string mountinfo;  // As seen by that process.
};

// Where to open a file system.
struct MountPlace {
  pid_t pid = 0;  // See MountNamespace.
  std::string mount_point;
  uint64_t mount_id = 0;
  bool is_whole = false;  // Not a part of the file system only, maybe a file.
};

struct ChosenFileSystem {
  std::string device;  // "8:1"
  std::string type;
  bool is_named = false;           // SelectionRules::paths has its place.
  std::vector<MountPlace> places;  // One at least, the best first.
};

enum class LeftOutReason : uint8_t {
  kServerMayHang,
  kBehindServer,    // On the way to it somebody may hang.
  kPseudo,          // The kernel makes up what is in it.
  kRootFileSystem,  // Nobody allowed it.
  kHidden,          // Something else is mounted over it.
  kRootUnknown,     // Whoever is there has a root that is no mount.
  kUnmarkable,      // The kernel refuses; `detail` says why.
};

struct LeftOutFileSystem {
  pid_t pid = 0;
  std::string mount_point;
  std::string type;
  std::string device;
  LeftOutReason reason = LeftOutReason::kUnmarkable;
  std::string detail;
};

// "'/x/y' (fuse.sshfs): its server may hang"
[[nodiscard]] std::string TextOf(const LeftOutFileSystem& left_out);

struct SelectionRules {
  // What is mounted at or below these, as the kernel writes them; a path that
  // names a mount itself is tried whatever its type.
  std::vector<std::string> paths;
  bool is_everywhere = false;  // Whatever is mounted, and not only there.
  bool allows_root_file_system = false;
  // Devices ("8:1") of the root file system, beside those that the namespaces
  // of ours and of process 1 have at "/".
  std::set<std::string> root_devices;
  size_t mounts_max = 16'384;  // That are looked at.
  size_t file_systems_max = 1024;
};

struct MountSelection {
  std::vector<ChosenFileSystem> file_systems;  // One for each device.
  std::vector<LeftOutFileSystem> left_out;     // The same; in no other list.
  size_t mounts_over_limit = 0;                // That nobody looked at.
  size_t file_systems_over_limit = 0;
};

// Places to try for a file system, at most: some are files, or gone by then.
inline constexpr size_t kPlacesMax = 4;

// In the order in which they are found: our own namespace must be the first.
[[nodiscard]] MountSelection SelectFileSystems(
    std::span<const MountNamespace> namespaces, const SelectionRules& rules);

// True for types whose files the kernel makes up: proc, sysfs, cgroup2 and
// their like. Nobody can put a file there.
[[nodiscard]] bool IsPseudo(std::string_view file_system_type);

// True if `path` is `directory` or below it.
[[nodiscard]] bool IsAtOrBelow(std::string_view path,
                               std::string_view directory);

}  // namespace gatehouse
