#include "cli/corpus_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/display_text.h"
#include "cli/json_output.h"
#include "cli/load_report_text.h"
#include "ipc/json.h"

namespace gatehouse {
namespace {

std::string ErrorText(const ScanFinding& finding) {
  // Unlike strerror, the error category is thread-safe.
  return std::generic_category().message(finding.error_number);
}

ScanFinding FindingOf(const FileEvent& event, const Verdict& verdict) {
  ScanFinding finding;
  finding.path = event.unsafe_path;
  finding.kind = verdict.kind;
  finding.threat_name = verdict.threat_name;
  finding.other_names = verdict.other_names;
  finding.allowed_by = verdict.allowed_by;
  finding.reason = ReasonWord(verdict.reason);
  finding.error_number = verdict.error_number;
  return finding;
}

bool IsFinding(const Verdict& verdict) {
  return verdict.kind != VerdictKind::kClean || !verdict.allowed_by.empty();
}

int64_t Milliseconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             time.time_since_epoch())
      .count();
}

// Names of signatures, which are bytes, too; nothing when there are none.
void PutNames(Json& object, const char* key,
              const std::vector<std::string>& names) {
  if (names.empty()) return;
  Json list = Json::array();
  for (const std::string& name : names) {
    Json entry = Json::object();
    PutPath(entry, "name", name);
    list.push_back(std::move(entry));
  }
  object[key] = std::move(list);
}

// The findings of a scan, by what they are.
struct FindingLists {
  Json threats = Json::array();
  Json allowed = Json::array();
  Json not_scanned = Json::array();
  Json errors = Json::array();

  void Add(const ScanFinding& finding) {
    Json entry = Json::object();
    PutPath(entry, "path", finding.path);
    switch (finding.kind) {
      case VerdictKind::kClean:
        PutPath(entry, "name", finding.threat_name);
        PutPath(entry, "allowedBy", finding.allowed_by);
        allowed.push_back(std::move(entry));
        break;
      case VerdictKind::kInfected:
      case VerdictKind::kSuspicious:
        PutPath(entry, "name", finding.threat_name);
        PutNames(entry, "otherNames", finding.other_names);
        entry["type"] = ThreatType(finding.threat_name);
        entry["status"] = finding.status.empty() ? "detected" : finding.status;
        if (!finding.id.empty()) entry["tracking_id"] = finding.id;
        threats.push_back(std::move(entry));
        break;
      case VerdictKind::kNotScanned:
        entry["reason"] = finding.reason;
        if (!finding.threat_name.empty()) {
          PutPath(entry, "name", finding.threat_name);
        }
        if (!finding.allowed_by.empty()) {
          PutPath(entry, "allowedBy", finding.allowed_by);
        }
        not_scanned.push_back(std::move(entry));
        break;
      case VerdictKind::kError:
        entry["message"] = ErrorText(finding);
        errors.push_back(std::move(entry));
        break;
    }
  }
};

std::string Counted(uint64_t count, std::string_view what) {
  std::string line = "\t" + std::to_string(count) + " ";
  line += what;
  return line;
}

}  // namespace

void TextCorpusReport::OnVerdict(FileEvent event, const Verdict& verdict) {
  if (IsFinding(verdict)) OnFinding(FindingOf(event, verdict));
}

void TextCorpusReport::OnFinding(const ScanFinding& finding) {
  std::string line = DisplayText(finding.path) + ": ";
  switch (finding.kind) {
    case VerdictKind::kClean:
      line += DisplayText(finding.threat_name) + " ALLOWED by " +
              DisplayText(finding.allowed_by);
      break;
    case VerdictKind::kInfected:
    case VerdictKind::kSuspicious:
      line += DisplayText(finding.threat_name) + " FOUND";
      if (!finding.status.empty()) line += ", " + DisplayText(finding.status);
      break;
    case VerdictKind::kNotScanned:
      line += DisplayText(finding.reason) + " NOT SCANNED";
      break;
    case VerdictKind::kError:
      line += ErrorText(finding) + " ERROR";
      break;
  }
  PrintLine(line);
}

void TextCorpusReport::Finish(const ScanSummary& summary) {
  const CorpusCounts& counts = summary.counts;
  PrintLine(counts.is_cancelled ? "Scan was cancelled" : "Scan has finished");
  PrintLine(Counted(counts.files_scanned, "file(s) scanned"));
  PrintLine(Counted(counts.threats, "threat(s) detected"));
  if (counts.allowed != 0) {
    PrintLine(Counted(counts.allowed, "file(s) allowed by a hash"));
  }
  if (counts.not_scanned != 0) {
    PrintLine(Counted(counts.not_scanned, "file(s) not scanned"));
  }
  if (counts.errors != 0) PrintLine(Counted(counts.errors, "error(s)"));
}

void JsonCorpusReport::OnVerdict(FileEvent event, const Verdict& verdict) {
  if (IsFinding(verdict)) OnFinding(FindingOf(event, verdict));
}

void JsonCorpusReport::OnFinding(ScanFinding finding) {
  const MutexLock lock(mutex_);
  findings_.push_back(std::move(finding));
}

void JsonCorpusReport::Finish(const ScanSummary& summary) {
  FindingLists lists;
  {
    const MutexLock lock(mutex_);
    std::sort(findings_.begin(), findings_.end(),
              [](const ScanFinding& a, const ScanFinding& b) {
                return a.path < b.path;
              });
    for (const ScanFinding& finding : findings_) lists.Add(finding);
  }
  Json scan = {{"type", "custom"}};
  if (!summary.scan_id.empty()) scan["scan_id"] = summary.scan_id;
  PutPath(scan, "path", summary.path);
  scan["state"] = summary.counts.is_cancelled ? "Cancelled" : "Succeeded";
  scan["startTime"] = Milliseconds(summary.start_time);
  scan["endTime"] = Milliseconds(summary.end_time);
  scan["filesScanned"] = summary.counts.files_scanned;
  scan["bytesScanned"] = summary.counts.bytes_scanned;
  scan["threats"] = std::move(lists.threats);
  scan["allowed"] = std::move(lists.allowed);
  scan["notScanned"] = std::move(lists.not_scanned);
  scan["errors"] = std::move(lists.errors);
  scan["symbolicLinksSkipped"] = summary.counts.symbolic_links;
  if (summary.scan_id.empty()) {
    scan["definitions"] =
        LoadReportJson(summary.load_report, summary.definitions_directory);
  }
  PrintJson(scan);
}

void PrintStatistics(const ScanSummary& summary) {
  const double seconds = std::max(
      std::chrono::duration<double>(summary.end_time - summary.start_time)
          .count(),
      1e-6);
  const CorpusCounts& counts = summary.counts;
  const double megabytes = static_cast<double>(counts.bytes_scanned) / 1e6;
  std::array<char, 160> line = {};
  (void)std::snprintf(
      line.data(), line.size(),
      "Statistics: %.3f seconds, %.0f files/s, %.1f MB/s", seconds,
      static_cast<double>(counts.files_scanned) / seconds, megabytes / seconds);
  WarnLine(line.data());
}

}  // namespace gatehouse
