// What characters are in HTML, as far as its normalised form is concerned.
//
// Thread-safe functions; HighBytes is thread-compatible.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace gatehouse {

[[nodiscard]] constexpr bool IsHtmlSpace(uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

[[nodiscard]] constexpr bool IsHtmlQuote(uint8_t c) {
  return c == '"' || c == '\'';
}

[[nodiscard]] constexpr uint8_t LowerCase(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<uint8_t>(c + 0x20) : c;
}

// Of the names behind '&', known or not.
[[nodiscard]] bool IsReferenceNameCharacter(uint8_t c);

// The value of a digit in `base`, 10 or 16.
[[nodiscard]] std::optional<uint32_t> DigitValue(uint8_t c, uint32_t base);

// Larger codes become a reference again, in hexadecimal.
inline constexpr uint16_t kCodeAsByteMax = 0xfe;

// As in "&#x20ac;".
[[nodiscard]] std::array<uint8_t, 8> HexReference(uint16_t code);

// Whether they are one, in UTF-8.
[[nodiscard]] bool IsWideFullStop(ByteView bytes);

// The first byte of one in Big5; a letter follows.
inline constexpr uint8_t kBigFiveLead = 0xa1;

// Bytes from 0x80 on: they are taken up to three at once, and wait for the byte
// behind them.
class HighBytes {
 public:
  static constexpr size_t kBytesMax = 3;

  void Append(uint8_t c);
  void Clear() { count_ = 0; }
  // Whether these and `c` are a wide full stop in Big5.
  [[nodiscard]] bool MakesFullStopWith(uint8_t c) const;
  // Those that waited, a wide full stop in UTF-8 as a plain one. To be used
  // before the next Append.
  [[nodiscard]] ByteView Take();
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] bool full() const { return count_ == bytes_.size(); }

 private:
  std::array<uint8_t, kBytesMax> bytes_ = {};
  size_t count_ = 0;
};

// Text that ignores what it has no room for.
template <size_t kBytesMax>
class BoundedText {
 public:
  void Append(uint8_t c) {
    if (size_ < kBytesMax) characters_.at(size_++) = static_cast<char>(c);
  }
  void Append(ByteView bytes) {
    const size_t count = std::min(bytes.size(), kBytesMax - size_);
    std::copy_n(bytes.begin(), count, characters_.data() + size_);
    size_ += count;
  }
  // Becomes the `size` bytes there; kBytesMax of them can be read.
  void Assign(const uint8_t* readable, size_t size) {
    std::memcpy(characters_.data(), readable, kBytesMax);
    size_ = std::min(size, kBytesMax);
  }
  void DropLast() {
    if (size_ > 0) --size_;
  }
  void Clear() { size_ = 0; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool full() const { return size_ == kBytesMax; }
  [[nodiscard]] std::string_view text() const {
    return {characters_.data(), size_};
  }

 private:
  std::array<char, kBytesMax> characters_ = {};
  size_t size_ = 0;
};

}  // namespace gatehouse
