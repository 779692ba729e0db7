// The counters of the daemon as JSON.
//
// Thread-safe.
#pragma once

#include <string>

#include "daemon/shared_state.h"
#include "es_linux.h"
#include "ipc/json.h"

namespace gatehouse {

// One JSON object with a member per group of counters; numbers only.
[[nodiscard]] Json CountersObject(const SharedState& shared,
                                  const esl_journal_t* journal);
// Its text, for people and scripts.
[[nodiscard]] std::string CountersJson(const SharedState& shared,
                                       const esl_journal_t* journal);

}  // namespace gatehouse
