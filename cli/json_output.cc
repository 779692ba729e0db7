#include "cli/json_output.h"

#include <algorithm>

#include "base/base64.h"
#include "base/display_text.h"
#include "cli/console.h"

namespace gatehouse {
namespace {

std::string Dump(const Json& value, bool is_indented, bool is_ascii) {
  return value.dump(is_indented ? 2 : -1, ' ', is_ascii,
                    Json::error_handler_t::replace);
}

}  // namespace

std::string SafeJsonText(const Json& value, bool is_indented) {
  // Looked at without the characters that JSON itself puts in.
  std::string shown = Dump(value, false, false);
  (void)std::erase(shown, '\\');
  return Dump(value, is_indented, DisplayText(shown) != shown);
}

void PutShownBytes(Json& object, const char* name, std::string_view bytes) {
  object[name] = bytes;
  if (!IsUtf8(bytes)) object[std::string(name) + "Bytes"] = Base64(bytes);
}

void PrintJson(const Json& value) { PrintLine(SafeJsonText(value, true)); }

std::string ShownText(std::string_view text) {
  std::string shown;
  for (;;) {
    const size_t backslash = text.find('\\');
    shown += DisplayText(text.substr(0, backslash));
    if (backslash == std::string_view::npos) return shown;
    shown += '\\';
    text.remove_prefix(backslash + 1);
  }
}

}  // namespace gatehouse
