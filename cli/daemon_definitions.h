// The definitions that the daemon uses.
//
// Thread-compatible. Blocks for a bounded time. Errors: those of
// daemon_request.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "signatures/load_report.h"

namespace gatehouse {

struct DaemonDefinitions {
  std::string version;
  std::string directory;  // Empty: only the built-in rules.
  int64_t updated_ms = 0;
  bool is_updating = false;
  std::string fail_reason;
  int64_t next_try_ms = 0;  // 0: none is due.
  uint64_t body_signatures = 0;
  uint64_t hashes = 0;
  LoadReport report;  // Its names are display text.
};

Result<DaemonDefinitions> AskDefinitions(const std::string& run_directory);

// Has them compiled anew if they have changed, and waits for the end of that.
Result<DaemonDefinitions> UpdateDefinitions(
    const std::string& run_directory,
    std::chrono::seconds patience = std::chrono::seconds(900));

}  // namespace gatehouse
