// FileCustody: who has power over a file, by the facts of its descriptor and of
// the directory it lies in. No path is believed: a name counts once it has led
// back to the very same file.
//
// Thread-safe functions. They allocate nothing, open no content (so that no
// listener is asked) and never wait for a disk or a server: what is not in the
// kernel's memory is unknown.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace gatehouse {

struct FileCustody {
  bool is_known = false;  // False: nothing below says anything.
  uid_t owner = 0;
  mode_t mode = 0;
  // False where the file has no name that leads to it from here: it is
  // unlinked, or lies in a container.
  bool is_directory_known = false;
  uid_t directory_owner = 0;
  mode_t directory_mode = 0;
  // Mounted with nosuid, as everything is that users may mount.
  bool is_on_nosuid_mount = false;
  bool is_in_system_libraries = false;
};

// The directories that hold the system's libraries, by device and inode.
class SystemLibraries {
 public:
  // As they are now; may wait for a disk.
  static SystemLibraries Find();
  // Those of `paths` that are directories.
  explicit SystemLibraries(const std::vector<const char*>& paths);

  [[nodiscard]] bool Contains(dev_t device, ino_t inode) const;

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
  };
  std::vector<Identity> directories_;
};

// Of the file behind `fd`. Costs about ten system calls.
[[nodiscard]] FileCustody CustodyOf(int fd, const SystemLibraries& libraries);

}  // namespace gatehouse
