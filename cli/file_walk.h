// WalkFiles: the regular files of a tree, each as an O_PATH descriptor that
// says which file is meant without having opened it.
//
// Thread-safe. Whatever the tree looks like, descriptors and stack stay
// bounded, memory grows with the depth and not with the number of files, and
// nothing but directories is ever opened for reading.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/verdict.h"

namespace gatehouse {

struct WalkedFile {
  UniqueFd fd;  // O_PATH; regular.
  std::string path;
  uint64_t bytes = 0;
};

struct FileWalkCallbacks {
  // An error of these two ends the walk, which then returns it.
  std::function<Result<bool>(WalkedFile)> on_file;
  std::function<Result<bool>()> on_progress;  // At least once per directory.
  // What cannot be handed over: not_scanned or an error.
  std::function<void(std::string path, const Verdict&)> on_problem;
};

struct FileWalkCounts {
  uint64_t directories = 0;
  uint64_t symbolic_links = 0;  // Inside the tree: not followed.
};

// Walks `path`, which may be a symbolic link itself. Pseudo file systems are
// left out, as in an offline scan. Errors: `path` cannot be looked at, and
// those of the callbacks.
Result<FileWalkCounts> WalkFiles(const std::string& path,
                                 const FileWalkCallbacks& callbacks);

}  // namespace gatehouse
