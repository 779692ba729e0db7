// TreeWalk: visits the directories and regular files of one file system, from a
// directory down.
//
// It follows no symbolic link and enters no other file system: what is mounted
// below may be a server that hangs. Holds no descriptor between two calls, and
// three or fewer within one. Memory grows with the number of directories that
// are waiting to be visited.
//
// Thread-compatible.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/directory_reader.h"

namespace gatehouse {

struct WalkCounts {
  uint64_t directories = 0;
  uint64_t files = 0;
  // Could not be opened: no right to, a name that is too long, or gone.
  uint64_t unreachable = 0;
};

class TreeWalk {
 public:
  // Both are given the path from the root: "" for the root itself, else "a/b".
  // False ends the walk. A directory is visited before its entries are read.
  struct Visitor {
    std::function<bool(int unsafe_fd, const std::string& path)> on_directory;
    std::function<bool(UniqueFd file, const std::string& path)> on_file;
  };

  // `root` is an absolute path without symbolic links.
  explicit TreeWalk(std::string root) : root_(std::move(root)) {}

  // Visits the directory at `path` and everything below. Errors: the root is
  // not there, or is another file system than at the first call. A walk that is
  // stopped is just over.
  Result<WalkCounts> Visit(const std::string& path, const Visitor& visitor,
                           const std::stop_token& stop);

  // The regular file at `path`; invalid if there is none.
  [[nodiscard]] UniqueFd OpenFile(const std::string& path);

  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  struct Walk {
    const Visitor& visitor;
    const std::stop_token& stop;
    std::vector<std::string> waiting;  // Directories to be visited.
    WalkCounts& counts;
  };

  Result<UniqueFd> OpenRoot();
  bool VisitEntries(int directory, const std::string& path, Walk& walk);

  const std::string root_;
  bool is_known_ = false;
  dev_t device_ = 0;  // Of the root, once it is known.
  DirectoryReader reader_;
};

}  // namespace gatehouse
