// DirectoryRef: a counted reference to one directory of a tree that is being
// walked. A directory knows its name and its parent, so that pending work costs
// one name and not one path, however deep the tree is.
//
// DirectoryRef is thread-compatible, and different threads may hold references
// to one directory. A directory keeps its parents alive.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

namespace gatehouse {

struct DirectoryIdentity {
  dev_t device = 0;
  ino_t inode = 0;

  bool operator==(const DirectoryIdentity&) const = default;
};

class DirectoryRef {
 public:
  struct Node;

  DirectoryRef() = default;
  // The root of a tree. `path` is shown in front of every name.
  static DirectoryRef MakeRoot(std::string path);
  DirectoryRef MakeChild(std::string name) const;

  DirectoryRef(const DirectoryRef& other) noexcept;
  DirectoryRef(DirectoryRef&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)) {}
  DirectoryRef& operator=(DirectoryRef other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~DirectoryRef() { Release(node_); }

  bool valid() const { return node_ != nullptr; }
  bool IsSame(const DirectoryRef& other) const { return node_ == other.node_; }
  Node& operator*() const { return *node_; }
  Node* operator->() const { return node_; }

  // Writes the path of the directory and a '/' to `path`, whose capacity is
  // reused.
  void WritePath(std::string& path) const;

 private:
  explicit DirectoryRef(Node* node) : node_(node) {}
  static void Release(Node* node) noexcept;

  Node* node_ = nullptr;
};

struct DirectoryRef::Node {
  DirectoryRef parent;  // Not valid for the root.
  std::string name;     // For the root: the path it was named by.
  size_t depth = 0;     // 0 for the root.
  // Set by the first thread that opens the directory, before it makes work of
  // it for others; afterwards only read.
  bool is_identified = false;
  DirectoryIdentity identity;
  std::atomic<uint32_t> references{1};
};

}  // namespace gatehouse
