// HtmlPieces: cuts an HTML file into the pieces in which it is normalised.
//
// A piece has at most 8,191 bytes, NUL left out, and ends behind white space if
// it can. What is lost at its edges is lost in the normalised form too: white
// space at its beginning, wherever that is, and behind its end one byte for
// each NUL that stands among the bytes which the piece did not take.
//
// Thread-compatible.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

class HtmlPieces {
 public:
  // Takes the beginning of `block`, and returns the rest.
  [[nodiscard]] ByteView Fill(ByteView block);

  // There is a piece, and no room for more before DropPiece.
  [[nodiscard]] bool full() const { return size_ == bytes_.size(); }

  // The next piece; at the end of the file, what is left of it. Valid until the
  // next call of another function.
  [[nodiscard]] ByteView Piece() const;
  void DropPiece();

 private:
  static constexpr size_t kPieceBytesMax = 8191;

  [[nodiscard]] size_t PieceBytes() const;
  [[nodiscard]] size_t BytesLostBehind(size_t piece_bytes) const;

  // Not cleared: most files are no longer than what that would cost. One byte
  // more than a piece has, to see what begins the next one.
  std::array<uint8_t, kPieceBytesMax + 1> bytes_;
  std::array<uint16_t, kPieceBytesMax + 1> nuls_before_;
  bool has_nuls_ = false;      // Else nuls_before_ is not looked after.
  uint16_t waiting_nuls_ = 0;  // Behind the last byte; not more than matter.
  size_t size_ = 0;
};

}  // namespace gatehouse
