// Asking the daemon about its system extension.
//
// Thread-safe.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/daemon_request.h"
#include "ipc/json.h"
#include "ipc/message.h"

namespace gatehouse {

// `what`: "approve", "revoke" or "status". The state afterwards. Errors: those
// of Ask.
inline Result<Json> AskSystemExtension(const std::string& run_directory,
                                       const char* what) {
  return Ask(run_directory,
             {{"command", IpcCommandWord(IpcCommand::kSystemExtension)},
              {"value", what}},
             kSystemExtensionType);
}

}  // namespace gatehouse
