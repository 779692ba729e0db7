#include "engine/format/content.h"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace gatehouse {

Content::Content(int fd, uint64_t size, std::span<uint8_t> window)
    : size_(size), window_(window), fd_(fd) {
  assert(fd >= 0);
  assert(window.size() >= kContentWindowBytes);
}

ByteView Content::At(uint64_t offset, size_t length) {
  assert(length <= kContentWindowMax);
  if (offset >= size_) return {};
  const uint64_t wanted = std::min<uint64_t>(length, size_ - offset);
  const bool is_held = offset >= bytes_offset_ &&
                       offset - bytes_offset_ <= bytes_.size() &&
                       wanted <= bytes_.size() - (offset - bytes_offset_);
  if (!is_held) {
    if (window_.empty()) return {};
    Refill(offset, wanted);
  }
  const uint64_t start = offset - bytes_offset_;
  if (start >= bytes_.size()) return {};
  return bytes_.subspan(start,
                        std::min<uint64_t>(wanted, bytes_.size() - start));
}

// Fills the window from the page of `offset` on, with more than is wanted, for
// parsers mostly go on nearby; but not with all it holds, for a hostile file
// has them jump to and fro.
void Content::Refill(uint64_t offset, uint64_t length) {
  constexpr uint64_t kReadBytesMin = 4 * kContentPageBytes;
  assert(offset < size_);
  assert(length <= size_ - offset);
  bytes_offset_ = offset - offset % kContentPageBytes;
  const uint64_t needed = offset - bytes_offset_ + length;
  const uint64_t pages = (needed + kContentPageBytes - 1) / kContentPageBytes;
  const uint64_t wanted =
      std::min({std::max(pages * kContentPageBytes, kReadBytesMin),
                uint64_t{window_.size()}, size_ - bytes_offset_});
  size_t filled = 0;
  while (filled < wanted) {
    const ssize_t count = ::pread(fd_, window_.data() + filled, wanted - filled,
                                  static_cast<off_t>(bytes_offset_ + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && error_number_ == 0) error_number_ = errno;
    if (count <= 0) break;
    filled += static_cast<size_t>(count);
  }
  bytes_ = window_.first(filled);
}

}  // namespace gatehouse
