// An Explanation as lines of text and as JSON.
//
// Thread-safe: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/explanation.h"
#include "ipc/json.h"

namespace gatehouse {

// What the daemon's list of allowed threats says of what was found.
struct AllowedAnswer {
  std::string problem;  // Why the daemon did not say; empty: it did.
  bool is_content_allowed = false;
  std::vector<std::string> names;  // Those that are allowed.
};

struct ExplainedFile {
  std::string path;
  std::string asked_signature;  // Empty: none was asked for.
  Explanation explanation;
  // Empty: nothing was found that could be allowed.
  std::optional<AllowedAnswer> allowed;
};

[[nodiscard]] std::vector<std::string> ExplanationLines(
    const ExplainedFile& file);
[[nodiscard]] Json ExplanationJson(const ExplainedFile& file);

}  // namespace gatehouse
