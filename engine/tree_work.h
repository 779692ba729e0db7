// TreeWork: a piece of the work that scanning a directory tree is.
//
// Thread-compatible plain values; they travel from the thread that found them
// to the one that does them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/directory_node.h"

namespace gatehouse {

// Names in one string, a NUL behind each: thousands of them are one
// allocation.
class PackedNames {
 public:
  // `name` holds no NUL.
  void Add(std::string_view name) {
    text_ += name;
    text_ += '\0';
    ++count_;
  }

  size_t count() const { return count_; }
  size_t bytes() const { return text_.size(); }

  // The first name; a NUL follows it. REQUIRES: count() > 0.
  std::string_view UnsafeFront() const { return text_.c_str(); }

  // Removes the later half and returns it.
  [[nodiscard]] PackedNames SplitOff() {
    PackedNames rest;
    rest.count_ = count_ - count_ / 2;
    count_ /= 2;
    size_t end = 0;
    for (size_t i = 0; i < count_; ++i) end = text_.find('\0', end) + 1;
    rest.text_ = text_.substr(end);
    text_.resize(end);
    return rest;
  }

  // Calls `function` with each name; a NUL follows it.
  template <class Function>
  void ForEach(const Function& function) const {
    for (size_t start = 0; start < text_.size();) {
      const std::string_view name(text_.c_str() + start);
      start += name.size() + 1;
      function(name);
    }
  }

 private:
  std::string text_;
  size_t count_ = 0;
};

enum class TreeWorkKind : uint8_t {
  kList,   // Read `directory` from `position` on.
  kEnter,  // List the sub-directories `names` of `directory`.
  kJudge,  // Scan the files `names` of `directory`.
};

struct TreeWork {
  TreeWorkKind kind = TreeWorkKind::kList;
  DirectoryRef directory;
  PackedNames names;
  int64_t position = 0;  // 0 is the beginning.
};

}  // namespace gatehouse
