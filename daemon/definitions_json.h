// Definitions as JSON: for health, and for `mdatp definitions status`.
//
// Thread-safe: pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/loaded_signatures.h"
#include "daemon/signature_keeper.h"
#include "ipc/json.h"
#include "signatures/load_report.h"

namespace gatehouse {

// What health tells of them.
struct DefinitionsHealth {
  std::string version;
  int64_t updated_ms = 0;
  SignatureKeeper::State state;
  std::string directory;
  LineCounts counts;
};

// "upToDate", "updating", or "outOfDate" after seven days.
[[nodiscard]] const char* DefinitionsStatusWord(
    const DefinitionsHealth& definitions, int64_t age_ms);

// As `mdatp health --details definitions` shows it.
[[nodiscard]] nlohmann::json DefinitionsDetailsJson(
    const DefinitionsHealth& definitions, int64_t age_ms);

// The frames of docs/ipc.md, command "definitions_status", without the last.
// Names are display text.
[[nodiscard]] std::vector<Json> DefinitionsFrames(
    const LoadedSignatures& loaded, const DefinitionsPlace& place,
    const SignatureKeeper::State& state);

}  // namespace gatehouse
