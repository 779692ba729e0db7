// Which file systems --protect stands for.
//
// Thread-safe: reads /proc/self/mountinfo and stats paths, changes nothing.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/own_mounts.h"
#include "base/result.h"

namespace gatehouse {

// True if the server of the open file `fd`, which the process `peer` passed,
// may hang, or if that cannot be told. By its mount and not by statfs(2), which
// asks the server: a thread that waits for one is ended by no signal.
[[nodiscard]] bool FileMayHang(int fd, pid_t peer, OwnMounts& mounts);

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
