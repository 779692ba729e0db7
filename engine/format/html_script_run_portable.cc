// For processors without a fast part.
#include "engine/format/html_script_run.h"

namespace gatehouse {

HtmlScriptRun CopyHtmlScript(ByteView text, uint8_t* output) {
  return CopyHtmlScriptAnywhere(text, output);
}

}  // namespace gatehouse
