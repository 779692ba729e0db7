// Threats as mdatp prints them.
//
// Thread-safe: pure functions.
#pragma once

#include <string>
#include <vector>

#include "ipc/json.h"
#include "ipc/message.h"
#include "quarantine/threat.h"

namespace gatehouse {

// Five lines: id, name, type, time of detection, status.
[[nodiscard]] std::vector<std::string> ThreatLines(const Threat& threat);
// What is left out there of a threat in quarantine.
[[nodiscard]] std::vector<std::string> QuarantineLines(const Threat& threat);
// Everything else that is known of a threat.
[[nodiscard]] std::vector<std::string> DetailLines(const Threat& threat);

// {"threat":{"tracking_id",...},"history":[{"key":TIME,"value":STATUS},...]}:
// the present status is the one with the greatest key, and keys are unique.
[[nodiscard]] Json ThreatJson(const Threat& threat);
// {"threats":{"scans":[...]}}, each threat below the scan that found it; what
// no scan of `scans` has found is below one of type "realTime".
[[nodiscard]] Json ThreatsJson(const std::vector<IpcScan>& scans,
                               const std::vector<Threat>& threats);

}  // namespace gatehouse
