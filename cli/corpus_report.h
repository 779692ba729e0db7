// CorpusReport: what `mdatp scan` says about a scan, its own or the daemon's.
//
// Both reports are VerdictSinks: OnVerdict and OnFinding are thread-safe. The
// rest is for the thread that began the scan.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "cli/console.h"
#include "engine/corpus_counts.h"
#include "engine/file_event.h"
#include "engine/verdict.h"
#include "signatures/load_report.h"

namespace gatehouse {

// A file that is not clean, or is so only by a hash that allows it.
struct ScanFinding {
  std::string path;
  VerdictKind kind = VerdictKind::kError;
  std::string threat_name;  // These are set as those of Verdict.
  std::vector<std::string> other_names;
  std::string allowed_by;
  std::string reason;
  int error_number = 0;
  // What the daemon did about it, and under which id it knows the threat.
  // Empty in an offline scan, which does nothing.
  std::string status;
  std::string id;
};

// Everything about a finished scan except its single files.
struct ScanSummary {
  std::string path;
  std::string scan_id;                // Empty: offline, without the daemon.
  std::string definitions_directory;  // Empty: built-in rules only.
  LoadReport load_report;
  CorpusCounts counts;
  std::chrono::system_clock::time_point start_time;
  std::chrono::system_clock::time_point end_time;
};

// Prints each finding as it comes, and keeps nothing.
class TextCorpusReport {
 public:
  void OnVerdict(FileEvent event, const Verdict& verdict);
  static void OnFinding(const ScanFinding& finding);
  static void Finish(const ScanSummary& summary);
};

// Keeps the findings and prints one object, ordered by path, at the end.
// Memory grows with the findings, not with the files.
class JsonCorpusReport {
 public:
  void OnVerdict(FileEvent event, const Verdict& verdict);
  void OnFinding(ScanFinding finding);
  void Finish(const ScanSummary& summary);

 private:
  Mutex mutex_;
  std::vector<ScanFinding> findings_ GATEHOUSE_GUARDED_BY(mutex_);
};

// Rates, on standard error.
void PrintStatistics(const ScanSummary& summary);

}  // namespace gatehouse
