#include "cli/scan_command.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/corpus_report.h"
#include "cli/interrupt.h"
#include "engine/corpus_driver.h"
#include "signatures/definitions.h"
#include "signatures/signature_set.h"

namespace gatehouse {
namespace {

// A scan with definitions of which nothing could be used would call
// everything clean: that is an error and names the files.
Error NothingUsable(const std::string& directory, const LoadReport& report) {
  std::string message =
      "no usable signature in '" + DisplayText(directory) + "'";
  for (const FileReport& file : report.files) {
    message += ", " + DisplayText(file.file) + ": " +
               std::to_string(file.counts.malformed) + " malformed and " +
               std::to_string(file.counts.skipped) + " skipped of " +
               std::to_string(file.counts.lines) + " line(s)";
  }
  if (report.files.empty()) message += ": no .ndb, .hdb or .hsb file";
  return {ErrorCode::kInvalidInput, std::move(message)};
}

Result<std::shared_ptr<const SignatureSet>> LoadSignatures(
    const std::string& directory, LoadReport& report) {
  if (directory.empty()) return SignatureSet::Compile({}, {});
  Result<Definitions> definitions = LoadDefinitions(directory);
  if (!definitions) return Unexpected(definitions.error());
  report = std::move(definitions->report);
  PrintLoadReport(report);
  if (report.Totals().loaded == 0) {
    return Unexpected(NothingUsable(directory, report));
  }
  return SignatureSet::Compile(std::move(definitions->signatures.bodies),
                               std::move(definitions->signatures.hashes));
}

ExitCode ExitCodeAfter(const CorpusCounts& counts, bool fail_on_threat) {
  const bool is_complete =
      !counts.is_cancelled && counts.not_scanned == 0 && counts.errors == 0;
  if (fail_on_threat && counts.threats != 0) return ExitCode::kThreatFound;
  if (fail_on_threat && !is_complete) return ExitCode::kNotAllScanned;
  return counts.is_cancelled ? ExitCode::kOperational : ExitCode::kOk;
}

template <class Report>
ExitCode ScanOffline(const CustomScanOptions& scan, OutputFormat output) {
  const InterruptWatcher interrupt;
  ScanSummary summary;
  summary.path = scan.path;
  summary.definitions_directory = scan.definitions;
  summary.start_time = std::chrono::system_clock::now();
  Result<std::shared_ptr<const SignatureSet>> signatures =
      LoadSignatures(scan.definitions, summary.load_report);
  if (!signatures) return PrintError(output, signatures.error());
  Result<std::unique_ptr<CorpusDriver>> driver = CorpusDriver::Create(
      std::move(*signatures), {scan.threads, interrupt.token()});
  if (!driver) return PrintError(output, driver.error());
  Report report;
  const Result<CorpusCounts> counts =
      (*driver)->Scan(scan.path, SinkRef(report));
  if (!counts) return PrintError(output, counts.error());
  summary.counts = *counts;
  summary.end_time = std::chrono::system_clock::now();
  report.Finish(summary);
  if (scan.print_statistics) PrintStatistics(summary);
  return ExitCodeAfter(summary.counts, scan.fail_on_threat);
}

ExitCode RunCustomScan(const CustomScanOptions& scan, OutputFormat output) {
  if (!scan.is_offline) {
    return PrintError(output, ExitCode::kDaemonUnreachable,
                      "the connection to the daemon is not available in this "
                      "version; use --offline to scan in this process");
  }
  return output == OutputFormat::kJson
             ? ScanOffline<JsonCorpusReport>(scan, output)
             : ScanOffline<TextCorpusReport>(scan, output);
}

}  // namespace

ScanCommands::ScanCommands(CommandLine& command_line) {
  Command group =
      command_line.root().AddGroup("scan", "Scan files and folders on demand");
  Command custom = group.AddCommand(
      "custom", "Scan a file or a folder",
      [this](OutputFormat output) { return RunCustomScan(custom_, output); });
  custom.AddRequiredText({"--path", "File or folder to scan", "PATH"},
                         custom_.path);
  custom.AddFlag({"--offline",
                  "Scan in this process, without the daemon; changes no file"},
                 custom_.is_offline);
  custom.AddText({"--definitions",
                  "Folder with .ndb, .hdb and .hsb signature files; without it "
                  "only the built-in rules are used",
                  "DIR"},
                 custom_.definitions);
  custom.AddFlag({"--fail-on-threat",
                  "Exit with 10 if a threat was found, else with 11 if "
                  "something could not be scanned"},
                 custom_.fail_on_threat);
  custom.AddFlag({"--statistics", "Print rates on standard error"},
                 custom_.print_statistics);
  custom.AddNumber({"--threads", "Number of threads; 0 is one per core", "N"},
                   custom_.threads, kCorpusThreadsMax);
}

}  // namespace gatehouse
