// MatchedIds: which body signatures matched in one file, the smallest ids.
//
// Thread-compatible. Of fixed size: a file that matches everything costs no
// more than one that matches once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gatehouse {

class MatchedIds {
 public:
  static constexpr size_t kIdsMax = 32;

  // Never throws: Hyperscan, which is C, calls it through us. Adding an id
  // again changes nothing.
  void Add(uint32_t id) noexcept {
    uint32_t* const end = ids_.data() + size_;
    uint32_t* const place = std::lower_bound(ids_.data(), end, id);
    if (place != end && *place == id) return;
    if (size_ == kIdsMax) {
      is_complete_ = false;
      if (place == end) return;
      std::copy_backward(place, end - 1, end);
    } else {
      std::copy_backward(place, end, end + 1);
      ++size_;
    }
    *place = id;
  }

  [[nodiscard]] bool empty() const { return size_ == 0; }
  // False: more matched than there was room for.
  [[nodiscard]] bool is_complete() const { return is_complete_; }
  // The smallest first.
  [[nodiscard]] std::span<const uint32_t> ids() const {
    return {ids_.data(), size_};
  }

 private:
  std::array<uint32_t, kIdsMax> ids_ = {};
  size_t size_ = 0;
  bool is_complete_ = true;
};

}  // namespace gatehouse
