#include "cli/scan_command.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/display_text.h"
#include "cli/console.h"
#include "cli/corpus_report.h"
#include "cli/daemon_scan.h"
#include "cli/file_walk.h"
#include "cli/interrupt.h"
#include "cli/offline_signatures.h"
#include "engine/corpus_driver.h"

namespace gatehouse {
namespace {

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
  summary.start_time = std::chrono::system_clock::now();
  Result<OfflineSignatures> signatures = LoadOfflineSignatures(
      {scan.definitions, scan.cache_directory, !scan.no_any_size_hashes});
  if (!signatures) return PrintError(output, signatures.error());
  summary.definitions_directory = std::move(signatures->directory);
  summary.load_report = std::move(signatures->report);
  Result<std::unique_ptr<CorpusDriver>> driver = CorpusDriver::Create(
      std::move(signatures->set), {scan.threads, interrupt.token()});
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

// Counts what a scan by the daemon finds, and passes it on.
template <class Report>
class CountingReport {
 public:
  explicit CountingReport(CorpusCounts& counts) : counts_(counts) {}

  void OnFinding(ScanFinding finding) {
    switch (finding.kind) {
      case VerdictKind::kClean:
        ++counts_.allowed;
        break;
      case VerdictKind::kInfected:
      case VerdictKind::kSuspicious:
        ++counts_.threats;
        break;
      case VerdictKind::kNotScanned:
        // What was excluded on purpose is nothing that is missing.
        ++(finding.reason == ReasonWord(NotScannedReason::kExcluded)
               ? counts_.excluded
               : counts_.not_scanned);
        break;
      case VerdictKind::kError:
        ++counts_.errors;
        break;
    }
    report.OnFinding(std::move(finding));
  }
  // A file that never came as far as the daemon.
  void OnProblem(std::string path, const Verdict& verdict) {
    ScanFinding finding;
    finding.path = std::move(path);
    finding.kind = verdict.kind;
    finding.reason = ReasonWord(verdict.reason);
    finding.error_number = verdict.error_number;
    OnFinding(std::move(finding));
  }

  Report report;

 private:
  CorpusCounts& counts_;
};

// Walks and scans. `summary` is filled but for its times.
template <class Report>
Result<bool> WalkAndScan(const DaemonScan::Options& options,
                         CountingReport<Report>& counting,
                         ScanSummary& summary) {
  Result<DaemonScan> scan =
      DaemonScan::Begin(options, [&counting](ScanFinding finding) {
        counting.OnFinding(std::move(finding));
      });
  if (!scan) return Unexpected(scan.error());
  uint64_t problems = 0;
  const Result<FileWalkCounts> walked = WalkFiles(
      summary.path,
      {[&scan](WalkedFile file) { return scan->Add(std::move(file)); },
       [&scan] { return scan->KeepAlive(); },
       [&counting, &problems](std::string path, const Verdict& verdict) {
         ++problems;
         counting.OnProblem(std::move(path), verdict);
       }});
  if (!walked) return Unexpected(walked.error());
  const Result<bool> is_finished = scan->Finish();
  if (!is_finished) return is_finished;
  CorpusCounts& counts = summary.counts;
  counts.files_scanned = scan->files_added() + problems - counts.not_scanned -
                         counts.excluded - counts.errors;
  counts.bytes_scanned = scan->bytes_added();
  counts.directories = walked->directories;
  counts.symbolic_links = walked->symbolic_links;
  summary.scan_id = scan->scan_id();
  return true;
}

template <class Report>
ExitCode ScanByDaemon(const CustomScanOptions& scan,
                      const std::string& run_directory, OutputFormat output) {
  ScanSummary summary;
  summary.path = scan.path;
  summary.start_time = std::chrono::system_clock::now();
  CountingReport<Report> counting(summary.counts);
  const Result<bool> is_done =
      WalkAndScan({run_directory, DisplayText(scan.path), !scan.no_quarantine,
                   scan.ignore_exclusions},
                  counting, summary);
  if (!is_done) {
    Error error = is_done.error();
    if (error.code == ErrorCode::kUnreachable) {
      error.message += "; use --offline to scan in this process";
    }
    return PrintError(output, error);
  }
  summary.end_time = std::chrono::system_clock::now();
  counting.report.Finish(summary);
  if (scan.print_statistics) PrintStatistics(summary);
  return ExitCodeAfter(summary.counts, scan.fail_on_threat);
}

ExitCode RunCustomScan(const CustomScanOptions& scan,
                       const std::string& run_directory, OutputFormat output) {
  const bool is_json = output == OutputFormat::kJson;
  if (scan.is_offline) {
    return is_json ? ScanOffline<JsonCorpusReport>(scan, output)
                   : ScanOffline<TextCorpusReport>(scan, output);
  }
  if (!scan.definitions.empty() || scan.threads != 0 ||
      scan.no_any_size_hashes || !scan.cache_directory.empty()) {
    return PrintError(output, ExitCode::kUsage,
                      "--definitions, --no-any-size-hashes, --cache-dir and "
                      "--threads need --offline");
  }
  return is_json ? ScanByDaemon<JsonCorpusReport>(scan, run_directory, output)
                 : ScanByDaemon<TextCorpusReport>(scan, run_directory, output);
}

}  // namespace

ScanCommands::ScanCommands(CommandLine& command_line) {
  Command group =
      command_line.root().AddGroup("scan", "Scan files and folders on demand");
  Command custom = group.AddCommand(
      "custom", "Scan a file or a folder",
      [this, &command_line](OutputFormat output) {
        return RunCustomScan(custom_, command_line.run_directory(), output);
      });
  custom.AddRequiredText({"--path", "File or folder to scan", "PATH"},
                         custom_.path);
  custom.AddFlag({"--offline",
                  "Scan in this process, without the daemon; changes no file"},
                 custom_.is_offline);
  custom.AddFlag(
      {"--no-quarantine", "Report threats and leave the files where they are"},
      custom_.no_quarantine);
  custom.AddFlag({"--ignore-exclusions", "Scan what is excluded, too"},
                 custom_.ignore_exclusions);
  custom.AddText({"--definitions",
                  "Folder with signature files in ClamAV's formats, or none; "
                  "without it, what freshclam fills, if it is there",
                  "DIR"},
                 custom_.definitions);
  custom.AddFlag({"--no-any-size-hashes",
                  "Leave out hashes of files and sections of any size, for "
                  "which every byte must be digested"},
                 custom_.no_any_size_hashes);
  custom.AddText({"--cache-dir",
                  "Folder where compiled definitions are kept, or none; "
                  "default: /var/lib/gatehouse/definitions for root, else "
                  "gatehouse in $XDG_CACHE_HOME or ~/.cache",
                  "DIR"},
                 custom_.cache_directory);
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
