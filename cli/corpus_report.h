// CorpusReport: what `mdatp scan` says about an offline scan.
//
// Both reports are VerdictSinks: OnVerdict is thread-safe. The rest is for the
// thread that began the scan.
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

// Everything about a finished scan except its single files.
struct ScanSummary {
  std::string path;
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
  static void Finish(const ScanSummary& summary);
};

// Keeps the findings and prints one object, ordered by path, at the end.
// Memory grows with the findings, not with the files.
class JsonCorpusReport {
 public:
  void OnVerdict(FileEvent event, const Verdict& verdict);
  void Finish(const ScanSummary& summary);

 private:
  struct Finding {
    std::string path;
    Verdict verdict;
  };

  Mutex mutex_;
  std::vector<Finding> findings_ GATEHOUSE_GUARDED_BY(mutex_);
};

// Warnings about signature files, on standard error.
void PrintLoadReport(const LoadReport& report);

// Rates, on standard error.
void PrintStatistics(const ScanSummary& summary);

}  // namespace gatehouse
