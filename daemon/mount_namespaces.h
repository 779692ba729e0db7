// The mount namespaces of the processes that we see, and how to open what is
// mounted in them.
//
// A namespace is known by the inode of /proc/PID/ns/mnt; one process stands for
// all who are in it. None is held: what is mounted there can be unmounted, and
// the namespace ends with its last process.
//
// Thread-safe. Reads /proc only; asks no file system anything.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "daemon/mount_selection.h"

namespace gatehouse {

struct MountNamespaces {
  std::vector<MountNamespace> list;  // Ours is the first.
  size_t over_limit = 0;             // That nobody looked at.
};

// Ours alone.
[[nodiscard]] MountNamespace OwnMountNamespace(const std::string& proc);

// Ours and up to `foreign_max` others. `proc` is where procfs is mounted. Of
// the processes in a namespace, one with a root that is a mount is preferred.
[[nodiscard]] MountNamespaces FindMountNamespaces(const std::string& proc,
                                                  size_t foreign_max);

struct OpenedPlace {
  UniqueFd directory;
  int error_number = 0;  // ENOTDIR: a file; ESTALE: another mount by now.
};

// Opens `place` if the mount is the very one that was looked at. In a foreign
// namespace, where anybody may mount a server that hangs meanwhile, only
// through what is in memory.
[[nodiscard]] OpenedPlace OpenPlace(const MountPlace& place);

}  // namespace gatehouse
