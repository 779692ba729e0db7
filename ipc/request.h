// IpcRequest: what a client wants, every member checked.
//
// Thread-compatible plain value; ParseRequest is thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "ipc/json.h"
#include "ipc/message.h"

namespace gatehouse {

inline constexpr size_t kScanBatchFilesMax = 64;
// Enough for every path, as display text.
inline constexpr size_t kDisplayPathBytesMax = 32768;

// Only the members of its command are set.
struct IpcRequest {
  IpcCommand command = IpcCommand::kHealth;
  std::string id;     // threat_get, quarantine_*: a UUID.
  std::string name;   // config_set; exclusion_*: the kind; of
                      // threat_allowed_*; threat_policy_set: the type.
  std::string value;  // Of config_set, system_extension, exclusion_*,
                      // hot_event_sources; threat_policy_set: the action.
  std::string scope;  // exclusion_*.
  // threat_allowed_add, threat_allowed_remove: `name`, or this. To add, with
  // or without the rest.
  std::string sha256;
  std::string comment;
  std::optional<int64_t> expires_ms;  // Milliseconds since 1970.
  bool history = false;  // threat_allowed_list: the changes, too; may be left
                         // out.
  // scan_begin: display text, never to be opened; quarantine_restore, without
  // an id: bytes, where the file was.
  std::string path;
  bool preserve_privileges = false;  // quarantine_restore; may be left out.
  bool quarantine = false;           // scan_begin: isolate what is found.
  bool ignore_exclusions = false;    // scan_begin; may be left out.
  size_t count = 0;                  // scan_files: how many descriptors.
};

// `descriptors` came with `body`. Members that are not known are ignored.
// Errors: kInvalidInput, kLimitExceeded; kNotSupported for another command.
Result<IpcRequest> ParseRequest(const Json& body, size_t descriptors);

}  // namespace gatehouse
