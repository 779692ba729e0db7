// For processors without a fast part.
#include "engine/format/html_characters.h"
#include "engine/format/html_script_run.h"

namespace gatehouse {

HtmlScriptRun CopyHtmlScript(ByteView text, uint8_t* output) {
  HtmlScriptRun run;
  for (; run.taken < text.size(); ++run.taken) {
    const uint8_t c = text[run.taken];
    if (c == '<' || c == '&' || c >= 0x80) break;
    output[run.written] = c == '\'' ? uint8_t{'"'} : LowerCase(c);
    run.written += IsHtmlSpace(c) ? 0U : 1U;
  }
  return run;
}

}  // namespace gatehouse
