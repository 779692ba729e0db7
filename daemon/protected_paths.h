// Which file systems --protect stands for.
//
// Thread-safe: reads /proc/self/mountinfo and stats paths, changes nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gatehouse {

struct MountedFileSystem {
  std::string mount_point;  // Bytes, unescaped.
  std::string type;         // "ext4"
  std::string device;       // "8:1"
};

// Parses the text of /proc/self/mountinfo (proc_pid_mountinfo(5)), in order.
// Lines that do not fit the format are left out.
[[nodiscard]] std::vector<MountedFileSystem> ParseMountInfo(
    std::string_view text);

// True for file systems whose server may hang: FUSE, NFS, CIFS and their like.
// Asked for permission there, we would hang with it.
[[nodiscard]] bool MayHang(std::string_view file_system_type);

struct ProtectedFileSystem {
  std::string mount_point;
  std::string type;
  bool is_named = false;  // By --protect itself, not mounted below.
};

struct ProtectedPaths {
  std::vector<ProtectedFileSystem> file_systems;  // One entry each.
  std::vector<std::string> left_out;              // "'/x/y': fuse.sshfs"
  // One for each path that cannot be protected now; they name it. kNotFound,
  // kInvalidInput, kNotSupported where a server may hang.
  std::vector<Error> missing;
};

// Each of `paths` must be a mount point on another device than "/" (unless
// `allow_root_file_system`); the result has it and every file system mounted
// below it, as they are now. Asks no file system whose server may hang.
[[nodiscard]] ProtectedPaths FindProtectedPaths(
    const std::vector<std::string>& paths, bool allow_root_file_system);

}  // namespace gatehouse
