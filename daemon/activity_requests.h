// What clients ask about events: who causes them, and what they cost.
//
// Thread-safe. docs/ipc.md has the frames. Rights are the caller's to check.
#pragma once

#include <string>

#include "base/result.h"
#include "daemon/shared_state.h"
#include "engine/event_activity.h"
#include "es_linux.h"
#include "ipc/json.h"
#include "ipc/session.h"

namespace gatehouse {

// One frame per process, and "end". Errors: kOperational when nothing is
// collected; those of Session::Send.
Result<bool> SendProcesses(Session& session, EventActivity& activity);

// `what`: "restart" answers with the new window, "files" and "executables"
// with the window, their frames, the most frequent first, and "end". Errors:
// as above; kInvalidInput for another word.
Result<bool> SendSources(Session& session, EventActivity& activity,
                         const std::string& what);

// Events by type, what they cost, and every counter there is.
[[nodiscard]] Json EventProviderFrame(const SharedState& shared,
                                      const esl_journal_t* journal,
                                      const EventActivity& activity);

}  // namespace gatehouse
