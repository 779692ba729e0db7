// Finds a byte string in memory, fast.
//
// Two of its bytes, the ones that files hold least often, are compared with
// many places at once; only where both fit, the rest is looked at. Thread-safe
// after construction: immutable. Borrows the literal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace gatehouse {

class LiteralSearch {
 public:
  static constexpr size_t kNone = ~size_t{0};

  // One byte or more; if `is_folded`, lower-case letters mean either case.
  LiteralSearch(ByteView literal, bool is_folded);

  // The first place at or behind `from` where `bytes` has it, or kNone.
  [[nodiscard]] size_t Find(ByteView bytes, size_t from) const;

  // Of the same length. If `is_folded`, lower-case letters of `literal` mean
  // either case.
  [[nodiscard]] static bool IsEqual(ByteView literal, ByteView bytes,
                                    bool is_folded);

 private:
  [[nodiscard]] bool Fits(const uint8_t* place) const;
  [[nodiscard]] size_t FindSlowly(ByteView bytes, size_t from) const;

  ByteView literal_;
  bool is_folded_ = false;
  size_t first_ = 0;  // Of the two bytes that are compared first.
  size_t second_ = 0;
};

}  // namespace gatehouse
