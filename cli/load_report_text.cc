#include "cli/load_report_text.h"

#include <utility>

#include "base/base64.h"
#include "base/display_text.h"
#include "cli/console.h"
#include "cli/json_output.h"

namespace gatehouse {
namespace {

constexpr size_t kProblemsShownMax = 100;

Json ToJson(const LineCounts& counts) {
  return {{"lines", counts.lines},
          {"loaded", counts.loaded},
          {"skipped", counts.skipped()},
          {"malformed", counts.malformed}};
}

// Of what was skipped, why.
Json SkippedJson(const LineCounts& counts) {
  return {{"level", counts.level},
          {"unsupported", counts.unsupported},
          {"ignored", counts.ignored},
          {"unwanted", counts.unwanted},
          {"switchedOff", counts.switched_off}};
}

std::string Counted(uint64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what);
}

}  // namespace

void PutPath(Json& object, const char* key, std::string_view bytes) {
  object[key] = bytes;
  if (!IsUtf8(bytes)) object[std::string(key) + "Bytes"] = Base64(bytes);
}

Json LoadReportJson(const LoadReport& report, const std::string& directory) {
  Json definitions = ToJson(report.Totals());
  if (!directory.empty()) PutPath(definitions, "directory", directory);
  definitions["anySizeHashes"] = report.any_size_hashes;
  definitions["anySizeHashesSwitchedOff"] = report.Totals().switched_off;
  definitions["files"] = Json::array();
  for (const FileReport& file : report.files) {
    Json entry = Json::object();
    PutPath(entry, "file", file.file);
    entry.update(ToJson(file.counts));
    entry["skippedFor"] = SkippedJson(file.counts);
    entry["unsupported"] = Json::object();
    for (const auto& [reason, lines] : file.unsupported) {
      entry["unsupported"][reason] = lines;
    }
    definitions["files"].push_back(std::move(entry));
  }
  definitions["problems"] = Json::array();
  for (const LoadProblem& problem : report.problems) {
    Json entry = Json::object();
    PutPath(entry, "file", problem.file);
    entry["line"] = problem.line;
    entry["reason"] = problem.reason;
    definitions["problems"].push_back(std::move(entry));
  }
  definitions["problemsLeftOut"] = report.problems_left_out;
  definitions["ignoredFiles"] = Json::array();
  for (const std::string& file : report.ignored_files) {
    Json entry = Json::object();
    PutPath(entry, "file", file);
    definitions["ignoredFiles"].push_back(std::move(entry));
  }
  definitions["ignoredFilesLeftOut"] = report.ignored_files_left_out;
  return definitions;
}

void PrintLoadedFiles(const LoadReport& report) {
  for (const FileReport& file : report.files) {
    const LineCounts& counts = file.counts;
    PrintLine(DisplayText(file.file) + ": " +
              Counted(counts.lines, "line(s), ") +
              Counted(counts.loaded, "loaded, ") +
              Counted(counts.skipped(), "skipped, ") +
              Counted(counts.malformed, "malformed"));
    if (counts.level != 0) {
      PrintLine("\tfor another functionality level: " +
                std::to_string(counts.level));
    }
    if (counts.ignored != 0) {
      PrintLine("\tignored by name: " + std::to_string(counts.ignored));
    }
    if (counts.unwanted != 0) {
      PrintLine("\tpotentially unwanted applications: " +
                std::to_string(counts.unwanted));
    }
    for (const auto& [reason, lines] : file.unsupported) {
      PrintLine("\t" + DisplayText(reason) +
                (lines == 0 ? "" : ": " + std::to_string(lines)));
    }
  }
}

void PrintLoadReport(const LoadReport& report) {
  const size_t shown = std::min(report.problems.size(), kProblemsShownMax);
  for (size_t i = 0; i < shown; ++i) {
    const LoadProblem& problem = report.problems[i];
    std::string line = "Warning: " + DisplayText(problem.file);
    if (problem.line != 0) line += ":" + std::to_string(problem.line);
    WarnLine(line + ": " + DisplayText(problem.reason));
  }
  const uint64_t more =
      report.problems.size() - shown + report.problems_left_out;
  if (more != 0) {
    WarnLine("Warning: " + std::to_string(more) + " more signature problem(s)");
  }
  for (const std::string& file : report.ignored_files) {
    WarnLine("Warning: " + DisplayText(file) +
             ": ignored, not a signature file");
  }
  const uint64_t switched_off = report.Totals().switched_off;
  if (switched_off != 0) {
    WarnLine("Warning: " + std::to_string(switched_off) +
             " hash(es) left out: any-size hashes are switched off");
  }
  if (report.ignored_files_left_out != 0) {
    WarnLine("Warning: " + std::to_string(report.ignored_files_left_out) +
             " more file(s) ignored");
  }
}

}  // namespace gatehouse
