// The health of the daemon as lines of text.
//
// Thread-safe: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/json.h"

namespace gatehouse {

struct HealthField {
  std::string key;   // In the daemon's object: "appVersion".
  std::string name;  // In text: "app_version".
  std::string text;  // The value, quoted if it is text.
  bool is_shown = true;
};

// "appVersion" -> "app_version", safe to show.
[[nodiscard]] std::string SnakeCase(std::string_view camel_case);

// The fields of `health` in the order of the documentation, then the others as
// they came.
[[nodiscard]] std::vector<HealthField> HealthFields(const Json& health);

// "app_version                                 : "1.2.3""
[[nodiscard]] std::string HealthLine(const HealthField& field);

}  // namespace gatehouse
