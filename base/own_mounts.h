// OwnMounts: which mounts are in our own mount namespace. The path of a file
// that was reached through another one says whatever its owner wants.
//
// One thread. Reads /proc/self/mountinfo when the kernel says that it changed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace gatehouse {

class OwnMounts {
 public:
  // Opens the kernel's list now and not at the first question. On failure that
  // tries again.
  void Open();

  // False if it cannot be told: then no path is to be believed.
  [[nodiscard]] bool Contains(uint64_t mount_id);

  // The file system's type, "ext4", of one of our own mounts, or of those that
  // the process `pid` sees; "" if it has no such mount. No file system is asked
  // anything, as statfs(2) would: its server may hang.
  [[nodiscard]] std::string TypeOf(uint64_t mount_id);
  [[nodiscard]] static std::string TypeAsSeenBy(pid_t pid, uint64_t mount_id);

  // The mount through which the open file `fd` was reached, or the file that
  // `path` (a link in /proc) stands for; 0 if unknown.
  [[nodiscard]] static uint64_t MountOf(int fd);
  [[nodiscard]] static uint64_t MountOf(const char* path);

 private:
  using Mount = std::pair<uint64_t, std::string>;  // Id and type.

  bool HasChanged() const;
  void Refresh();
  void Read();
  static std::vector<Mount> ReadSorted(int mountinfo);
  static const Mount* Find(const std::vector<Mount>& mounts, uint64_t mount_id);

  UniqueFd mountinfo_;
  std::vector<Mount> mounts_;  // Sorted.
};

}  // namespace gatehouse
