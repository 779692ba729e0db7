// NormalisedReader: a few bytes of a text's normalised form, without making it.
//
// Thread-compatible. Borrows the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "engine/format/normalised_text.h"

namespace gatehouse {

// Reads a text byte by byte, as its normalised form has them, to one side:
// backwards what is before `place`, else what is there and behind it.
template <bool kIsBackwards>
class NormalisedReader {
 public:
  NormalisedReader(ByteView text, size_t place)
      : text_(text), first_(place), place_(place) {}

  // Nothing at the end.
  std::optional<uint8_t> Next() {
    while (!IsAtEnd()) {
      const uint8_t byte = Step();
      const TextByte kind = TextByteClass(byte);
      if (kind == TextByte::kDropped) continue;
      if (kind == TextByte::kSpace) {
        SkipSpace();
        return ' ';
      }
      return kind == TextByte::kLowered ? static_cast<uint8_t>(byte | 0x20)
                                        : byte;
    }
    return std::nullopt;
  }
  // How many bytes of the text.
  [[nodiscard]] size_t read() const {
    return kIsBackwards ? first_ - place_ : place_ - first_;
  }

 private:
  [[nodiscard]] bool IsAtEnd() const {
    return place_ == (kIsBackwards ? 0 : text_.size());
  }
  uint8_t Step() { return text_[kIsBackwards ? --place_ : place_++]; }
  void SkipSpace() {
    while (!IsAtEnd()) {
      const TextByte kind = TextByteClass(Step());
      if (kind == TextByte::kSpace || kind == TextByte::kDropped) continue;
      kIsBackwards ? ++place_ : --place_;
      return;
    }
  }

  ByteView text_;
  const size_t first_;
  size_t place_ = 0;
};

// Whether this byte of a text may be where the form has `wanted`, or before
// that.
[[nodiscard]] inline bool MayBecome(uint8_t byte, uint8_t wanted) {
  const TextByte kind = TextByteClass(byte);
  if (kind == TextByte::kDropped) return true;
  if (kind == TextByte::kSpace) return wanted == ' ';
  return (kind == TextByte::kLowered ? byte | 0x20 : byte) == wanted;
}

}  // namespace gatehouse
