#include "engine/format/html_pieces.h"

#include <algorithm>
#include <cassert>

#include "engine/format/html_characters.h"

namespace gatehouse {
namespace {

ptrdiff_t Signed(size_t size) { return static_cast<ptrdiff_t>(size); }

}  // namespace

ByteView HtmlPieces::Fill(ByteView block) {
  const ByteView next =
      block.first(std::min(block.size(), bytes_.size() - size_));
  // Not std::find, which looks byte by byte.
  const size_t nul = AsText(next).find('\0');
  const size_t count = std::min(nul, next.size());
  if (count > 0) {
    std::copy_n(next.begin(), count, bytes_.begin() + Signed(size_));
    if (has_nuls_) {
      std::fill_n(nuls_before_.begin() + Signed(size_), count, uint16_t{0});
      nuls_before_.at(size_) = waiting_nuls_;
    }
    waiting_nuls_ = 0;
    size_ += count;
  }
  if (count == next.size()) return block.subspan(count);
  if (!has_nuls_) std::fill_n(nuls_before_.begin(), size_, uint16_t{0});
  has_nuls_ = true;
  if (waiting_nuls_ <= kPieceBytesMax) ++waiting_nuls_;
  return block.subspan(count + 1);
}

size_t HtmlPieces::PieceBytes() const {
  if (!full()) return size_;
  const ByteView piece = ByteView(bytes_).first(kPieceBytesMax);
  if (IsHtmlSpace(bytes_.back()) && (!has_nuls_ || nuls_before_.back() == 0)) {
    return piece.size();
  }
  for (size_t size = piece.size(); size > 0; --size) {
    if (IsHtmlSpace(piece[size - 1])) return size;
  }
  return piece.size();
}

ByteView HtmlPieces::Piece() const {
  ByteView piece = ByteView(bytes_).first(PieceBytes());
  while (!piece.empty() && IsHtmlSpace(piece.front())) piece = piece.subspan(1);
  return piece;
}

// The peer goes back in the file by as many bytes as the piece did not take,
// without the NUL bytes between them.
size_t HtmlPieces::BytesLostBehind(size_t piece_bytes) const {
  if (!has_nuls_) return 0;
  const size_t left = kPieceBytesMax - piece_bytes;
  size_t distance = 0;
  for (size_t i = kPieceBytesMax; i > piece_bytes; --i) {
    ++distance;
    if (distance > left) return i - piece_bytes;
    distance += nuls_before_.at(i - 1);
  }
  return 0;
}

void HtmlPieces::DropPiece() {
  const size_t piece_bytes = PieceBytes();
  const size_t dropped =
      full() ? piece_bytes + BytesLostBehind(piece_bytes) : piece_bytes;
  assert(dropped <= size_);
  const auto rest = Signed(dropped);
  std::copy(bytes_.begin() + rest, bytes_.begin() + Signed(size_),
            bytes_.begin());
  if (has_nuls_) {
    std::copy(nuls_before_.begin() + rest, nuls_before_.begin() + Signed(size_),
              nuls_before_.begin());
  }
  size_ -= dropped;
}

}  // namespace gatehouse
