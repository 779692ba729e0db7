// For processors without a fast part.
#include "engine/format/html_characters.h"
#include "engine/format/html_text_run.h"

namespace gatehouse {

size_t CopyHtmlWords(ByteView text, bool after_space, uint8_t* output) {
  size_t count = 0;
  for (; count < text.size(); ++count) {
    const uint8_t c = text[count];
    const bool is_space = IsHtmlSpace(c) && c != '\r';
    if (is_space ? after_space : c < ' ' || c >= 0x80) break;
    if (c == '<' || c == '&') break;
    after_space = is_space;
    output[count] = is_space ? uint8_t{' '} : LowerCase(c);
  }
  return count;
}

}  // namespace gatehouse
