#include "engine/format/html_script_run.h"

#include "engine/format/html_characters.h"

namespace gatehouse {

HtmlScriptRun CopyHtmlScriptAnywhere(ByteView text, uint8_t* output) {
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
