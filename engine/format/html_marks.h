// HtmlMarks: a piece of HTML in lower case, and where in it something begins or
// ends, a bit for each byte. They are made many bytes at once, where the
// processor can do that; whoever reads the piece then jumps from bit to bit.
//
// Thread-compatible; the functions are thread-safe.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.h"

namespace gatehouse {

// What is marked at once.
inline constexpr size_t kHtmlBlockBytes = 64;

// One bit for each byte of a piece, and for the place behind it.
class HtmlMarkBits {
 public:
  static constexpr size_t kBitsMax = size_t{8} << 10;

  // The first marked place from `at` on; there must be one.
  [[nodiscard]] size_t Next(size_t at) const {
    const uint64_t bits = From(at);
    if (bits == 0) [[unlikely]]
      return NextFar(at);
    return at + static_cast<size_t>(std::countr_zero(bits));
  }
  // The first place from `at` on that is not marked; as well.
  [[nodiscard]] size_t NextNot(size_t at) const {
    while (true) {
      const auto count = static_cast<size_t>(std::countr_one(From(at)));
      at += count;
      if (count < kSureBits) return at;
    }
  }
  [[nodiscard]] uint64_t Block(size_t block) const { return words_[block]; }
  void SetBlock(size_t block, uint64_t bits) { words_[block] = bits; }
  // Marks the place behind the piece, whose block is the last one.
  void SetEnd(size_t at) {
    words_[at / kHtmlBlockBytes] |= uint64_t{1} << (at % kHtmlBlockBytes);
  }

 private:
  // Of what is loaded at a byte, so many bits belong to any bit of the byte.
  static constexpr size_t kSureBits = 57;

  [[nodiscard]] uint64_t From(size_t at) const {
    static_assert(std::endian::native == std::endian::little);
    assert(at < kBitsMax);
    const void* const words = words_.data();
    uint64_t bits = 0;
    std::memcpy(&bits, static_cast<const uint8_t*>(words) + at / 8,
                sizeof(bits));
    return bits >> (at % 8);
  }
  [[nodiscard]] size_t NextFar(size_t at) const {
    uint64_t bits = 0;
    for (at -= at % 8; bits == 0; bits = From(at)) at += kHtmlBlockBytes;
    return at + static_cast<size_t>(std::countr_zero(bits));
  }

  std::array<uint64_t, kBitsMax / 64 + 2> words_;
};

// Of the bytes of a block.
struct HtmlBlockMarks {
  uint64_t blanks = 0;  // White space but CR.
  uint64_t text_ends = 0;
  uint64_t name_ends = 0;
  uint64_t value_ends = 0;
};

class HtmlMarks;

// Marks whole blocks, of which the first one has the number `first`.
using MarkHtmlBlocks = void (*)(ByteView blocks, size_t first,
                                HtmlMarks& marks);

// One way of doing it.
struct HtmlMarking {
  const char* name = "";
  MarkHtmlBlocks mark = nullptr;
};

// Those that this processor can do, the fastest first; the last one is that of
// any processor.
[[nodiscard]] std::span<const HtmlMarking> AvailableHtmlMarkings();

// Of any processor.
void MarkHtmlBlocksAnywhere(ByteView blocks, size_t first, HtmlMarks& marks);

class HtmlMarks {
 public:
  static constexpr size_t kPieceBytesMax = HtmlMarkBits::kBitsMax - 1;
  // Behind the piece, so many bytes can be read; the first one is NUL.
  static constexpr size_t kRoomBytes = kHtmlBlockBytes;

  explicit HtmlMarks(
      const HtmlMarking& marking = AvailableHtmlMarkings().front())
      : mark_(marking.mark) {}

  // Of a piece without NUL, of kPieceBytesMax at most.
  void Mark(ByteView piece);

  // The piece in lower case, with ' ' for white space but CR.
  [[nodiscard]] const uint8_t* words() const { return words_.data(); }
  [[nodiscard]] const HtmlMarkBits& blanks() const { return blanks_; }
  // Where text is no longer what it looks like, or the end: '<', '&', control
  // characters, CR, bytes from 0x80 on, a second blank.
  [[nodiscard]] const HtmlMarkBits& text_ends() const { return text_ends_; }
  // '>', '=', white space, bytes from 0x80 on, the end.
  [[nodiscard]] const HtmlMarkBits& name_ends() const { return name_ends_; }
  // Quotes, '>', '&', white space, bytes from 0x80 on, the end.
  [[nodiscard]] const HtmlMarkBits& value_ends() const { return value_ends_; }

  // For those that mark: where the words of a block belong, and its marks.
  [[nodiscard]] uint8_t* WordsOf(size_t block) {
    return words_.data() + block * kHtmlBlockBytes;
  }
  void SetBlock(size_t block, const HtmlBlockMarks& marks) {
    const uint64_t before =
        block == 0 ? 0 : blanks_.Block(block - 1) >> (kHtmlBlockBytes - 1);
    const uint64_t second = marks.blanks & (marks.blanks << 1 | before);
    blanks_.SetBlock(block, marks.blanks);
    text_ends_.SetBlock(block, marks.text_ends | second);
    name_ends_.SetBlock(block, marks.name_ends);
    value_ends_.SetBlock(block, marks.value_ends);
  }

 private:
  MarkHtmlBlocks mark_;
  // Not cleared, nor are the bits: that would take as long as a small file.
  std::array<uint8_t, kPieceBytesMax + 1 + kRoomBytes> words_;
  HtmlMarkBits blanks_;
  HtmlMarkBits text_ends_;
  HtmlMarkBits name_ends_;
  HtmlMarkBits value_ends_;
};

}  // namespace gatehouse
