#include "cli/definitions_command.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/daemon_definitions.h"
#include "cli/json_output.h"
#include "cli/load_report_text.h"
#include "cli/local_time.h"
#include "ipc/message.h"
#include "signatures/definitions.h"
#include "signatures/signature_set.h"

namespace gatehouse {
namespace {

// With --strict nothing may be wrong; a line for other engines is not wrong.
bool IsFlawless(const LoadReport& report) {
  return report.problems.empty() && report.Totals().malformed == 0;
}

void PrintTotals(const LoadReport& report, const SignatureSet& signatures) {
  const LineCounts totals = report.Totals();
  PrintLine(std::to_string(totals.lines) + " line(s), " +
            std::to_string(totals.loaded) + " loaded, " +
            std::to_string(totals.skipped()) + " skipped, " +
            std::to_string(totals.malformed) + " malformed");
  PrintLine(std::to_string(signatures.body_count()) + " body signature(s), " +
            std::to_string(signatures.hash_count()) + " hash(es), " +
            std::to_string(report.any_size_hashes) + " of any size");
}

std::string_view NameOf(PriceRoute route) {
  switch (route) {
    case PriceRoute::kNone:
      return "none";
    case PriceRoute::kOnlySeen:
      return "onlySeen";
    case PriceRoute::kApart:
      return "apart";
    case PriceRoute::kAlways:
      return "always";
  }
  return "";
}

std::string_view TextOf(PriceRoute route) {
  switch (route) {
    case PriceRoute::kNone:
      return "nothing it could be found by is cheaper";
    case PriceRoute::kOnlySeen:
      return "its literals are everywhere";
    case PriceRoute::kApart:
      return "its literals are looked for apart";
    case PriceRoute::kAlways:
      return "evaluated in every file";
  }
  return "";
}

Json PricedJson(const SignatureSet& signatures) {
  Json priced = Json::array();
  for (const PricedSignature& one : signatures.priced_signatures()) {
    Json entry = Json::object();
    PutPath(entry, "name", one.name);
    entry["share"] = one.share;
    entry["route"] = NameOf(one.route);
    priced.push_back(std::move(entry));
  }
  return priced;
}

void PrintPriced(const SignatureSet& signatures) {
  const auto& priced = signatures.priced_signatures();
  if (priced.empty()) return;
  PrintLine(std::to_string(priced.size()) +
            " signature(s) would each cost more than 1 % of the time:");
  for (const PricedSignature& one : priced) {
    // In thousandths.
    const auto share = static_cast<uint64_t>(one.share * 1000 + 0.5);
    PrintLine("  " + DisplayText(one.name) + ": " + std::to_string(share / 10) +
              "." + std::to_string(share % 10) + " %, " +
              std::string(TextOf(one.route)));
  }
}

std::string DirectoryText(const DaemonDefinitions& definitions) {
  return definitions.directory.empty() ? "none: only the built-in rules"
                                       : definitions.directory;
}

Json StatusJson(const DaemonDefinitions& definitions) {
  Json json = LoadReportJson(definitions.report, definitions.directory);
  json["version"] = definitions.version;
  PutTime(json, "updated", definitions.updated_ms);
  json["isUpdating"] = definitions.is_updating;
  json["failReason"] = definitions.fail_reason;
  if (definitions.next_try_ms != 0) {
    PutTime(json, "nextTry", definitions.next_try_ms);
  }
  json["bodySignatures"] = definitions.body_signatures;
  json["hashes"] = definitions.hashes;
  return json;
}

ExitCode ShowStatus(const std::string& run_directory, OutputFormat output) {
  const Result<DaemonDefinitions> definitions = AskDefinitions(run_directory);
  if (!definitions) return PrintError(output, definitions.error());
  if (output == OutputFormat::kJson) {
    PrintLine(SafeJsonText(StatusJson(*definitions), true));
    return ExitCode::kOk;
  }
  PrintLine("Version: " + DisplayText(definitions->version));
  PrintLine("Updated: " + HealthTimeText(definitions->updated_ms));
  PrintLine("Folder: " + DisplayText(DirectoryText(*definitions)));
  PrintLine("Body signatures: " + std::to_string(definitions->body_signatures));
  PrintLine("Hashes: " + std::to_string(definitions->hashes));
  PrintLine(std::string("Updating: ") +
            (definitions->is_updating ? "yes" : "no"));
  if (!definitions->fail_reason.empty()) {
    PrintLine("Not used: " + DisplayText(definitions->fail_reason));
  }
  if (definitions->next_try_ms != 0) {
    PrintLine("Next try: " + HealthTimeText(definitions->next_try_ms));
  }
  PrintLoadedFiles(definitions->report);
  PrintLoadReport(definitions->report);
  return ExitCode::kOk;
}

ExitCode Update(const std::string& run_directory, OutputFormat output) {
  const Result<DaemonDefinitions> before = AskDefinitions(run_directory);
  if (!before) return PrintError(output, before.error());
  const Result<DaemonDefinitions> after = UpdateDefinitions(run_directory);
  if (!after) return PrintError(output, after.error());
  if (!after->fail_reason.empty()) {
    return PrintError(output, {ErrorCode::kOperational,
                               "definitions not updated, the old ones stay: " +
                                   after->fail_reason});
  }
  if (output == OutputFormat::kJson) {
    PrintLine(SafeJsonText(StatusJson(*after), true));
  } else if (after->version == before->version) {
    PrintLine("Definitions are up to date: " + DisplayText(after->version));
  } else {
    PrintLine("Definitions updated: " + DisplayText(after->version));
  }
  return ExitCode::kOk;
}

}  // namespace

DefinitionsCommands::DefinitionsCommands(CommandLine& command_line) {
  Command group = command_line.root().AddGroup(
      "definitions", "What signature files can be used for");
  group.AddCommand("status", "What the daemon uses, and what it was made of",
                   [&command_line](OutputFormat output) {
                     return ShowStatus(command_line.run_directory(), output);
                   });
  group.AddCommand("update",
                   "Have the daemon look whether its definitions have changed",
                   [&command_line](OutputFormat output) {
                     return Update(command_line.run_directory(), output);
                   });
  Command check = group.AddCommand(
      "check", "Load and compile the signature files of a folder, and report",
      [this](OutputFormat output) { return Check(output); });
  check.AddRequiredText({"--path", "Folder with signature files", "DIR"},
                        path_);
  check.AddFlag({"--strict", "Exit with 1 if a line is malformed"}, is_strict_);
}

ExitCode DefinitionsCommands::Check(OutputFormat output) const {
  Result<Definitions> definitions = LoadDefinitions(path_);
  if (!definitions) return PrintError(output, definitions.error());
  const LoadReport report = std::move(definitions->report);
  const Result<std::shared_ptr<const SignatureSet>> signatures =
      SignatureSet::Compile(std::move(definitions->signatures));
  if (!signatures) return PrintError(output, signatures.error());
  if (output == OutputFormat::kJson) {
    Json json = LoadReportJson(report, path_);
    json["expensiveSignatures"] = PricedJson(**signatures);
    PrintLine(SafeJsonText(json, true));
  } else {
    PrintLoadedFiles(report);
    PrintTotals(report, **signatures);
    PrintPriced(**signatures);
    PrintLoadReport(report);
  }
  if (!is_strict_ || IsFlawless(report)) return ExitCode::kOk;
  WarnLine("Error: not all of '" + DisplayText(path_) + "' is well-formed");
  return ExitCode::kOperational;
}

}  // namespace gatehouse
