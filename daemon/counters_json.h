// The counters of the daemon as JSON.
//
// Thread-safe.
#pragma once

#include <string>

#include "daemon/shared_state.h"
#include "es_linux.h"

namespace gatehouse {

// One JSON object with a member per group of counters; numbers only.
[[nodiscard]] std::string CountersJson(const SharedState& shared,
                                       const esl_journal_t* journal);

// Writes `text` to `path` whole or not at all, through a file beside it.
// Errors: kOperational. Not thread-safe for one path.
Result<bool> ReplaceFile(const std::string& path, std::string_view text);

}  // namespace gatehouse
