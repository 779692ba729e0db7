#include "engine/format/html_marks.h"

#include <algorithm>

#include "engine/format/html_characters.h"

namespace gatehouse {

namespace {

HtmlBlockMarks MarksOf(const uint8_t* block, uint8_t* words) {
  HtmlBlockMarks marks;
  for (size_t i = 0; i < kHtmlBlockBytes; ++i) {
    const uint8_t c = block[i];
    const uint64_t bit = uint64_t{1} << i;
    const bool is_space = IsHtmlSpace(c);
    const bool is_blank = is_space && c != '\r';
    words[i] = is_blank ? uint8_t{' '} : LowerCase(c);
    const bool closes = is_space || c == '>' || c >= 0x80;
    const bool is_low = c < ' ' && !is_blank;
    if (is_blank) marks.blanks |= bit;
    if (is_low || c == '<' || c == '&' || c >= 0x80) marks.text_ends |= bit;
    if (closes || c == '=') marks.name_ends |= bit;
    if (closes || c == '&' || IsHtmlQuote(c)) marks.value_ends |= bit;
  }
  return marks;
}

}  // namespace

void MarkHtmlBlocksAnywhere(ByteView blocks, size_t first, HtmlMarks& marks) {
  for (size_t at = 0; at < blocks.size(); at += kHtmlBlockBytes, ++first) {
    marks.SetBlock(first, MarksOf(blocks.data() + at, marks.WordsOf(first)));
  }
}

void HtmlMarks::Mark(ByteView piece) {
  assert(piece.size() <= kPieceBytesMax);
  const size_t blocks = piece.size() / kHtmlBlockBytes;
  const size_t whole = blocks * kHtmlBlockBytes;
  const ByteView rest = piece.subspan(whole);
  std::array<uint8_t, kHtmlBlockBytes> last = {};
  std::copy(rest.begin(), rest.end(), last.begin());
  mark_(piece.first(whole), 0, *this);
  mark_(last, blocks, *this);
  // So that all of what is loaded at a bit is known.
  SetBlock(blocks + 1, {});
  text_ends_.SetEnd(piece.size());
  name_ends_.SetEnd(piece.size());
  value_ends_.SetEnd(piece.size());
}

}  // namespace gatehouse
