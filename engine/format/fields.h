// Fields: integers of a header, in the byte order of its file.
//
// Thread-compatible. Borrows the header's bytes.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

enum class ByteOrder : uint8_t { kLittle, kBig };

class Fields {
 public:
  explicit Fields(ByteView bytes, ByteOrder order = ByteOrder::kLittle)
      : bytes_(bytes), order_(order) {}

  size_t size() const { return bytes_.size(); }

  // The integer at `offset`, which lies within the bytes.
  uint16_t U16(size_t offset) const {
    return static_cast<uint16_t>(Integer(offset, 2));
  }
  uint32_t U32(size_t offset) const {
    return static_cast<uint32_t>(Integer(offset, 4));
  }
  uint64_t U64(size_t offset) const { return Integer(offset, 8); }

 private:
  uint64_t Integer(size_t offset, size_t bytes) const {
    assert(offset <= bytes_.size());
    assert(bytes <= bytes_.size() - offset);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) {
      const size_t at =
          order_ == ByteOrder::kBig ? offset + i : offset + bytes - 1 - i;
      value = value << 8U | bytes_[at];
    }
    return value;
  }

  ByteView bytes_;
  ByteOrder order_ = ByteOrder::kLittle;
};

}  // namespace gatehouse
