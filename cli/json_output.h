// JSON that mdatp prints, and text of the daemon made safe to show.
//
// Thread-safe, as console.h.
#pragma once

#include <string>
#include <string_view>

#include "ipc/json.h"

namespace gatehouse {

// One line, or indented. As it is when every character of it is safe to show,
// else with all but ASCII escaped: the same value either way.
[[nodiscard]] std::string SafeJsonText(const Json& value, bool is_indented);

// Puts what may not be UTF-8: as it will be shown, and if it is not, exactly,
// in base64, as a second member NAMEBytes.
void PutShownBytes(Json& object, const char* name, std::string_view bytes);

// Prints SafeJsonText, indented.
void PrintJson(const Json& value);

// Text of the daemon that is display text already: what is not safe to show is
// escaped, backslashes are left alone.
[[nodiscard]] std::string ShownText(std::string_view text);

}  // namespace gatehouse
