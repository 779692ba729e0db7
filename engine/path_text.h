// PathText: the text of a path in a fixed amount of memory, cut at its end.
//
// Thread-compatible plain value.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace gatehouse {

class PathText {
 public:
  static constexpr size_t kBytesMax = 1022;

  void Assign(std::string_view text) {
    const size_t size = std::min(text.size(), kBytesMax);
    std::copy_n(text.data(), size, bytes_.data());
    size_ = static_cast<uint16_t>(size);
  }
  void Clear() { size_ = 0; }
  std::string_view view() const { return {bytes_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  // True if it is what Assign(text) makes.
  bool Holds(std::string_view text) const {
    return view() == text.substr(0, kBytesMax);
  }
  bool operator==(const PathText& other) const {
    return view() == other.view();
  }

 private:
  uint16_t size_ = 0;
  std::array<char, kBytesMax> bytes_ = {};
};

}  // namespace gatehouse
