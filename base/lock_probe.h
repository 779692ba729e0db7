// LockProbe: does anybody hold a write lock (fcntl) on one of some files?
//
// Thread-safe. Owns the descriptors, opened at construction: asking opens
// nothing, allocates nothing and does not wait.
#pragma once

#include <vector>

#include "base/unique_fd.h"

namespace gatehouse {

class LockProbe {
 public:
  LockProbe() = default;
  // Those of `paths` that can be opened.
  explicit LockProbe(const std::vector<const char*>& paths);

  // Only locks for writing count: whoever may read a file can lock it for
  // reading.
  [[nodiscard]] bool IsAnyLocked() const;

  [[nodiscard]] const std::vector<UniqueFd>& files() const { return files_; }

 private:
  std::vector<UniqueFd> files_;
};

// The locks of the package managers of this system, dpkg's, apt's and rpm's:
// held for as long as one of them installs or removes.
[[nodiscard]] LockProbe PackageManagerLocks();

}  // namespace gatehouse
