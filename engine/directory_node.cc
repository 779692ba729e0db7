#include "engine/directory_node.h"

#include <algorithm>
#include <memory>

namespace gatehouse {

DirectoryRef DirectoryRef::MakeRoot(std::string path) {
  auto node = std::make_unique<Node>();
  node->name = std::move(path);
  return DirectoryRef(node.release());
}

DirectoryRef DirectoryRef::MakeChild(std::string name) const {
  auto node = std::make_unique<Node>();
  node->parent = *this;
  node->name = std::move(name);
  node->depth = node_->depth + 1;
  return DirectoryRef(node.release());
}

DirectoryRef::DirectoryRef(const DirectoryRef& other) noexcept
    : node_(other.node_) {
  // Relaxed: `other` keeps the count above zero meanwhile.
  if (node_ != nullptr) {
    node_->references.fetch_add(1, std::memory_order_relaxed);
  }
}

// A loop, not the destructors' recursion: the tree may be deeper than the
// stack.
void DirectoryRef::Release(Node* node) noexcept {
  // Acquire-release: pairs with itself on other threads, so that the last one
  // sees everything the others did with the node.
  while (node != nullptr &&
         node->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    Node* const parent = std::exchange(node->parent.node_, nullptr);
    const std::unique_ptr<Node> last(node);
    node = parent;
  }
}

void DirectoryRef::WritePath(std::string& path) const {
  size_t length = 0;
  for (const Node* node = node_; node != nullptr; node = node->parent.node_) {
    length += node->name.size() + 1;
  }
  path.resize(length);
  char* end = path.data() + length;
  for (const Node* node = node_; node != nullptr; node = node->parent.node_) {
    *--end = '/';
    end -= node->name.size();
    std::copy(node->name.begin(), node->name.end(), end);
  }
}

}  // namespace gatehouse
