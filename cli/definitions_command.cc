#include "cli/definitions_command.h"

#include <memory>
#include <utility>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/json_output.h"
#include "cli/load_report_text.h"
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

}  // namespace

DefinitionsCommands::DefinitionsCommands(CommandLine& command_line) {
  Command group = command_line.root().AddGroup(
      "definitions", "What signature files can be used for");
  Command check = group.AddCommand(
      "check", "Load and compile the signature files of a folder, and report",
      [this](OutputFormat output) { return Check(output); });
  check.AddRequiredText({"--path", "DIR", "Folder with signature files"},
                        path_);
  check.AddFlag({"--strict", "", "Exit with 1 if a line is malformed"},
                is_strict_);
}

ExitCode DefinitionsCommands::Check(OutputFormat output) const {
  Result<Definitions> definitions = LoadDefinitions(path_);
  if (!definitions) return PrintError(output, definitions.error());
  const LoadReport report = std::move(definitions->report);
  const Result<std::shared_ptr<const SignatureSet>> signatures =
      SignatureSet::Compile(std::move(definitions->signatures));
  if (!signatures) return PrintError(output, signatures.error());
  if (output == OutputFormat::kJson) {
    PrintLine(SafeJsonText(LoadReportJson(report, path_), true));
  } else {
    PrintLoadedFiles(report);
    PrintTotals(report, **signatures);
    PrintLoadReport(report);
  }
  if (!is_strict_ || IsFlawless(report)) return ExitCode::kOk;
  WarnLine("Error: not all of '" + DisplayText(path_) + "' is well-formed");
  return ExitCode::kOperational;
}

}  // namespace gatehouse
