// OwnMounts: which mounts are in our own mount namespace. The path of a file
// that was reached through another one says whatever its owner wants.
//
// One thread. Reads /proc/self/mountinfo when the kernel says that it changed.
#pragma once

#include <sys/types.h>

#include <cstdint>
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

  // The mount through which the open file `fd` was reached, or the file that
  // `path` (a link in /proc) stands for; 0 if unknown.
  [[nodiscard]] static uint64_t MountOf(int fd);
  [[nodiscard]] static uint64_t MountOf(const char* path);

 private:
  bool HasChanged() const;
  void Read();

  UniqueFd mountinfo_;
  std::vector<uint64_t> ids_;  // Sorted.
};

}  // namespace gatehouse
