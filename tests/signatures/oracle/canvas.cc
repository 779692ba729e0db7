#include "tests/signatures/oracle/canvas.h"

#include <algorithm>
#include <cassert>

namespace gatehouse::oracle {
namespace {

constexpr uint64_t kPlacesMax = 5000;

}  // namespace

Canvas::Canvas(std::string bytes, std::vector<bool> settled, char filler)
    : bytes_(std::move(bytes)), settled_(std::move(settled)), filler_(filler) {
  assert(bytes_.size() == settled_.size());
}

bool Canvas::Place(const Fragment& fragment, const StartWindow& window) {
  const uint64_t last =
      std::min(window.last, window.first > UINT64_MAX - kPlacesMax
                                ? UINT64_MAX
                                : window.first + kPlacesMax);
  for (uint64_t start = window.first; start <= last; ++start) {
    if (start > kFileBytesMax) return false;
    if (!Fits(fragment, start)) continue;
    Write(fragment, start);
    return true;
  }
  return false;
}

bool Canvas::PlaceAnywhere(const Fragment& fragment, uint64_t first) {
  // One byte apart from everything, on both sides.
  uint64_t at = first;
  while (!IsFree(at, fragment.bytes.size() + 2)) {
    if (++at > kFileBytesMax) return false;
  }
  Write(fragment, at + 1 + fragment.start);
  return true;
}

bool Canvas::GrowTo(uint64_t size) {
  if (size > kFileBytesMax) return false;
  if (size > bytes_.size()) {
    bytes_.resize(size, filler_);
    settled_.resize(size, false);
  }
  return true;
}

// What must stand before the first part may be missing at the file's start.
bool Canvas::Fits(const Fragment& fragment, uint64_t start) const {
  for (size_t index = 0; index < fragment.bytes.size(); ++index) {
    if (!fragment.fixed[index] || start + index < fragment.start) continue;
    const uint64_t at = start + index - fragment.start;
    if (at >= bytes_.size()) break;
    if (settled_[at] && bytes_[at] != fragment.bytes[index]) return false;
  }
  return true;
}

bool Canvas::IsFree(uint64_t first, uint64_t size) const {
  const uint64_t end = std::min<uint64_t>(first + size, bytes_.size());
  for (uint64_t at = first; at < end; ++at) {
    if (settled_[at]) return false;
  }
  return true;
}

void Canvas::Write(const Fragment& fragment, uint64_t start) {
  for (size_t index = 0; index < fragment.bytes.size(); ++index) {
    if (start + index < fragment.start) continue;
    const uint64_t at = start + index - fragment.start;
    if (!GrowTo(at + 1)) return;
    if (settled_[at]) continue;
    bytes_[at] = fragment.bytes[index];
    settled_[at] = fragment.fixed[index];
    if (fragment.fixed[index]) demanded_.push_back(at);
  }
}

}  // namespace gatehouse::oracle
