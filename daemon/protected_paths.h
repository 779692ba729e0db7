// Which file systems --protect and --protect-all stand for.
//
// Thread-safe: reads /proc and stats paths, changes nothing.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/own_mounts.h"
#include "base/result.h"
#include "daemon/mount_selection.h"

namespace gatehouse {

// True if the server of the open file `fd`, which the process `peer` passed,
// may hang, or if that cannot be told. By its mount and not by statfs(2), which
// asks the server: a thread that waits for one is ended by no signal.
[[nodiscard]] bool FileMayHang(int fd, pid_t peer, OwnMounts& mounts);

struct ProtectedPaths {
  std::vector<ChosenFileSystem> file_systems;  // One entry each.
  std::vector<LeftOutFileSystem> left_out;
  // One for each path that cannot be protected now; they name it. kNotFound,
  // kInvalidInput, kNotSupported where a server may hang.
  std::vector<Error> missing;
  std::vector<std::string> limits;  // One for each that is reached.
};

// Each of `paths` must be a mount point on another device than "/" (unless
// `allow_root_file_system`); the result has it and every file system mounted
// below it, as they are now. Asks no file system whose server may hang.
[[nodiscard]] ProtectedPaths FindProtectedPaths(
    const std::vector<std::string>& paths, bool allow_root_file_system);

// Everything that is mounted, in the mount namespaces of all processes that we
// see, but the file system of "/" (unless `allow_root_file_system`).
[[nodiscard]] ProtectedPaths FindAllFileSystems(bool allow_root_file_system);

// How a place is called where people read it.
[[nodiscard]] std::string TextOf(const MountPlace& place);

}  // namespace gatehouse
