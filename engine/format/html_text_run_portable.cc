// For processors without a fast part.
#include "engine/format/html_characters.h"
#include "engine/format/html_text_run.h"

namespace gatehouse {

HtmlRun CopyHtmlWords(ByteView text, uint8_t* output, uint8_t* copy) {
  HtmlRun run;
  bool after_space = false;
  for (; run.taken < text.size(); ++run.taken) {
    const uint8_t c = text[run.taken];
    const bool is_space = IsHtmlSpace(c) && c != '\r';
    if (!is_space && (c < ' ' || c >= 0x80 || c == '<' || c == '&')) break;
    output[run.written] = is_space ? uint8_t{' '} : LowerCase(c);
    copy[run.written] = output[run.written];
    run.written += is_space && after_space ? 0U : 1U;
    after_space = is_space;
  }
  return run;
}

HtmlRun CopyHtmlNames(ByteView text, uint8_t* output) {
  HtmlRun run;
  bool after_space = false;
  for (; run.taken < text.size(); ++run.taken) {
    const uint8_t c = text[run.taken];
    if (c == '>' || c == '=' || c == '\r' || c >= 0x80) break;
    const bool is_space = IsHtmlSpace(c);
    output[run.written] = is_space ? uint8_t{' '} : LowerCase(c);
    run.written += is_space && after_space ? 0U : 1U;
    after_space = is_space;
  }
  return run;
}

size_t CopyHtmlName(ByteView text, uint8_t* output) {
  size_t count = 0;
  for (; count < text.size(); ++count) {
    const uint8_t c = text[count];
    if (IsHtmlSpace(c) || c == '>' || c == '=' || c >= 0x80) break;
    output[count] = LowerCase(c);
  }
  return count;
}

size_t CopyHtmlValue(ByteView text, uint8_t* output) {
  size_t count = 0;
  for (; count < text.size(); ++count) {
    const uint8_t c = text[count];
    if (IsHtmlSpace(c) || IsHtmlQuote(c) || c >= 0x80) break;
    if (c == '>' || c == '&') break;
    output[count] = LowerCase(c);
  }
  return count;
}

size_t CountHtmlSpace(ByteView text) {
  size_t count = 0;
  while (count < text.size() && IsHtmlSpace(text[count])) ++count;
  return count;
}

HtmlRun CopyHtmlScript(ByteView text, uint8_t* output) {
  HtmlRun run;
  for (; run.taken < text.size(); ++run.taken) {
    const uint8_t c = text[run.taken];
    if (c == '<' || c == '&' || c >= 0x80) break;
    output[run.written] = c == '\'' ? uint8_t{'"'} : LowerCase(c);
    run.written += IsHtmlSpace(c) ? 0U : 1U;
  }
  return run;
}

}  // namespace gatehouse
