// Content: the bytes of one layer, read at random by parsers and matchers.
//
// Thread-compatible. Borrows the bytes, or the descriptor and the window that
// its pages are read into; none of them is closed or freed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace gatehouse {

// The most bytes that one At() shows, and the least that a window holds.
inline constexpr size_t kContentWindowMax = size_t{64} << 10;
inline constexpr size_t kContentPageBytes = 4096;
// A window of this size holds any kContentWindowMax bytes, wherever they start.
inline constexpr size_t kContentWindowBytes =
    kContentWindowMax + kContentPageBytes;

class Content {
 public:
  // A layer in memory. `bytes` outlives this.
  explicit Content(ByteView bytes) : bytes_(bytes), size_(bytes.size()) {}

  // A layer that is a file of `size` bytes. `fd` and `window` outlive this, and
  // nobody else writes to `window`, which has at least kContentWindowBytes.
  Content(int fd, uint64_t size, std::span<uint8_t> window);

  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  uint64_t size() const { return size_; }

  // All of it, if it is in memory, else nothing.
  ByteView memory() const { return window_.empty() ? bytes_ : ByteView(); }

  // Up to `length` bytes from `offset` on, `length` <= kContentWindowMax. Fewer
  // at the end and where a read fails; a file that shrank ends where it ends.
  //
  // Valid until the next At(). Does not allocate. Blocks for a read when the
  // window does not hold the bytes.
  ByteView At(uint64_t offset, size_t length);

  // errno of the first read that failed, else 0.
  int error_number() const { return error_number_; }

 private:
  void Refill(uint64_t offset, uint64_t length);

  ByteView
      bytes_;  // All of a layer in memory; what the window holds of a file.
  uint64_t bytes_offset_ = 0;  // Where bytes_ starts.
  uint64_t size_ = 0;
  std::span<uint8_t> window_;  // Empty: in memory.
  int fd_ = -1;
  int error_number_ = 0;
};

}  // namespace gatehouse
