// SharedText: what the view of HTML without tags has beside the text that
// stands in the other view as well.
//
// A short literal within such text is found in the other view already. All
// others reach out of it, so that a few bytes of its ends are enough to find
// them: a quarter of the view.
//
// One thread at a time; keeps its memory from file to file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "engine/format/normalised_html.h"

namespace gatehouse {

// Where a literal stands.
struct LiteralPlace {
  size_t begin = 0;
  size_t end = 0;
};

class SharedText {
 public:
  // Longer literals are not found.
  static constexpr size_t kLiteralBytesMax = 8;

  // Of a view that has these runs. Borrows them until the next call.
  void Begin(std::span<const HtmlTextRun> runs, ByteView no_tags);

  // What is to be looked through for literals.
  [[nodiscard]] ByteView own_bytes() const { return own_bytes_; }

  // Where a literal of the other view ends in this one; nothing if it does not
  // stand there, or not in shared text.
  [[nodiscard]] std::optional<size_t> EndOfShared(LiteralPlace place) const;
  // The same for one that was found in own_bytes(); nothing as well if
  // EndOfShared knows it.
  [[nodiscard]] std::optional<size_t> EndOfOwn(LiteralPlace place) const;

 private:
  struct Piece {  // Of the view, in own_bytes().
    size_t in_view = 0;
    size_t in_own = 0;
  };

  void AddPiece(ByteView no_tags, LiteralPlace place);

  std::span<const HtmlTextRun> runs_;
  std::vector<Piece> pieces_;
  std::vector<uint8_t> own_bytes_;
};

}  // namespace gatehouse
