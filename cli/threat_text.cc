#include "cli/threat_text.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/display_text.h"
#include "cli/json_output.h"
#include "cli/local_time.h"

namespace gatehouse {
namespace {

std::string Quoted(std::string_view text) {
  return "\"" + DisplayText(text) + "\"";
}

Json HistoryJson(const Threat& threat) {
  Json history = Json::array();
  int64_t last_key = -1;
  for (const StatusChange& change : threat.history) {
    // Two changes within a millisecond, or a clock that was set back.
    last_key = std::max(last_key + 1, change.time_ms);
    Json entry = Json::object();
    PutTime(entry, "key", last_key);
    entry["value"] = ThreatStatusWord(change.status);
    if (!change.detail.empty()) entry["detail"] = change.detail;
    history.push_back(std::move(entry));
  }
  return history;
}

Json ScanJson(const IpcScan& scan) {
  Json object = {{"scan_id", scan.scan_id}, {"type", scan.type}};
  PutTime(object, "startTime", scan.start_time_ms);
  PutTime(object, "endTime", scan.end_time_ms);
  object["filesScanned"] = scan.files_scanned;
  object["state"] = scan.state;
  return object;
}

}  // namespace

std::vector<std::string> ThreatLines(const Threat& threat) {
  return {"Id: " + Quoted(threat.id), "Name: " + DisplayText(threat.name),
          "Type: " + Quoted(threat.type),
          "Detection time: " + ThreatTimeText(threat.history.front().time_ms),
          "Status: \"" + std::string(ThreatStatusWord(threat.status())) + "\""};
}

std::vector<std::string> QuarantineLines(const Threat& threat) {
  return {"Original path: " + Quoted(threat.path),
          "Size: " + std::to_string(threat.file_bytes)};
}

std::vector<std::string> DetailLines(const Threat& threat) {
  std::vector<std::string> lines = {
      "Path: " + Quoted(threat.path),
      "Owner: " + std::to_string(threat.owner_uid),
      "Size: " + std::to_string(threat.file_bytes)};
  if (!threat.sha256.empty()) lines.push_back("SHA-256: " + threat.sha256);
  if (!threat.scan_id.empty()) {
    lines.push_back("Scan: " + Quoted(threat.scan_id));
  }
  if (threat.isolated_in_time) {
    lines.push_back(std::string("Isolated in time: ") +
                    (*threat.isolated_in_time ? "true" : "false"));
  }
  if (threat.isolated_after_ms) {
    lines.push_back("Isolated after close: " +
                    std::to_string(*threat.isolated_after_ms) + " ms");
  }
  lines.emplace_back("History:");
  for (const StatusChange& change : threat.history) {
    std::string line = "\t" + ThreatTimeText(change.time_ms) + ": \"";
    line += ThreatStatusWord(change.status);
    line += "\"";
    if (!change.detail.empty()) line += ", " + DisplayText(change.detail);
    lines.push_back(std::move(line));
  }
  return lines;
}

Json ThreatJson(const Threat& threat) {
  Json facts = {
      {"tracking_id", threat.id}, {"name", threat.name}, {"type", threat.type}};
  PutShownBytes(facts, "path", threat.path);
  facts["owner_uid"] = threat.owner_uid;
  facts["file_bytes"] = threat.file_bytes;
  facts["sha256"] = threat.sha256;
  facts["isolated_in_time"] =
      threat.isolated_in_time ? Json(*threat.isolated_in_time) : Json(nullptr);
  facts["isolated_after_ms"] = threat.isolated_after_ms
                                   ? Json(*threat.isolated_after_ms)
                                   : Json(nullptr);
  return {{"threat", std::move(facts)}, {"history", HistoryJson(threat)}};
}

Json ThreatsJson(const std::vector<IpcScan>& scans,
                 const std::vector<Threat>& threats) {
  Json listed = Json::array();
  for (const IpcScan& scan : scans) {
    listed.push_back(ScanJson(scan));
    listed.back()["threats"] = Json::array();
  }
  Json real_time = {{"type", "realTime"}, {"threats", Json::array()}};
  for (const Threat& threat : threats) {
    const auto scan = std::find_if(scans.begin(), scans.end(),
                                   [&threat](const IpcScan& known) {
                                     return known.scan_id == threat.scan_id;
                                   });
    Json& place = scan == scans.end()
                      ? real_time
                      : listed[static_cast<size_t>(scan - scans.begin())];
    place["threats"].push_back(ThreatJson(threat));
  }
  if (!real_time["threats"].empty()) listed.push_back(std::move(real_time));
  return {{"threats", {{"scans", std::move(listed)}}}};
}

}  // namespace gatehouse
