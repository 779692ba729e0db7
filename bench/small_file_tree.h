// SmallFileTree: a tree of small files for benchmarks, gone afterwards; and the
// least that anybody can do who reads it all.
//
// Thread-safe after construction.
#pragma once

#include <cstdint>
#include <string>

namespace gatehouse {

class SmallFileTree {
 public:
  // About `files` files of 8 KiB on average (most far smaller), ten to a
  // directory, in the folder for temporary files.
  explicit SmallFileTree(int files);
  ~SmallFileTree();
  SmallFileTree(const SmallFileTree&) = delete;
  SmallFileTree& operator=(const SmallFileTree&) = delete;

  const std::string& path() const { return path_; }
  uint64_t files() const { return files_; }
  uint64_t bytes() const { return bytes_; }

  // Lists every directory, opens every file relative to it, reads it once and
  // closes it, with this many threads; with `ask_status`, asks fstat before the
  // read, as everybody must who wants to know what he reads. Returns the bytes
  // read.
  uint64_t ReadAll(int threads, bool ask_status) const;

 private:
  std::string path_;
  int top_directories_ = 0;
  uint64_t files_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace gatehouse
