// OpenDirectories: opens the directories of a tree by descriptor, with a
// bounded number of descriptors whatever the depth of the tree.
//
// One thread at a time. Keeps the last few directories of the path it opened
// last; work in depth-first order finds the parent there nearly always, and
// otherwise goes down again from the nearest one, component by component, never
// through a symbolic link.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "base/unique_fd.h"
#include "engine/directory_node.h"

namespace gatehouse {

struct OpenedDirectory {
  int unsafe_fd = -1;    // Valid until the next call of Open or Clear.
  int error_number = 0;  // errno when unsafe_fd is -1.
};

class OpenDirectories {
 public:
  // Keeps at most `descriptors_max` (2 or more) descriptors open.
  explicit OpenDirectories(size_t descriptors_max);

  // Opens `directory`, whose root is open as `root_fd`. The first time, notes
  // the directory's identity; later another directory under the same name is
  // ESTALE. The root's own descriptor is returned for the root.
  OpenedDirectory Open(const DirectoryRef& directory, int root_fd);
  void Clear() { open_.clear(); }

 private:
  struct Entry {
    DirectoryRef directory;
    UniqueFd fd;
  };

  int Descend(int parent_fd, const DirectoryRef& directory);

  const size_t descriptors_max_;
  std::deque<Entry> open_;  // Each is the parent of the next.
  std::vector<DirectoryRef> missing_;
};

// The descriptors that one of `threads` threads may keep for directories.
[[nodiscard]] size_t DirectoryDescriptorsMax(size_t threads);

}  // namespace gatehouse
