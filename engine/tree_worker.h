// TreeWorker: does pieces of the scan of a directory tree, on one thread.
//
// One thread at a time. Owns its Scanner and buffers; knows no scheduler: the
// work it finds goes to TreeScan::spawn.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "engine/corpus_counts.h"
#include "engine/directory_node.h"
#include "engine/directory_reader.h"
#include "engine/open_directories.h"
#include "engine/scanner.h"
#include "engine/tree_work.h"
#include "engine/verdict_sink.h"

namespace gatehouse {

// What all workers of one scan share.
struct TreeScan {
  SinkRef sink;
  int root_fd = -1;   // Of the root directory; open until the scan has ended.
  ScanLimits limits;  // For each file; its cancel ends the whole scan.
  // Takes work that may be done by any worker, at any time, in any order; the
  // newest first needs the least memory. Thread-safe, does not block.
  std::function<void(std::unique_ptr<TreeWork>)> spawn;
};

class TreeWorker {
 public:
  // `descriptors_max`: as for OpenDirectories.
  TreeWorker(std::unique_ptr<Scanner> scanner, size_t descriptors_max);

  // Does `work`, which is used up, or hands parts of it to scan.spawn. Returns
  // early when the scan is cancelled.
  void Run(TreeWork& work, const TreeScan& scan);

  // Judges one open file and reports it under `path`.
  void Judge(UniqueFd fd, std::string_view path, const TreeScan& scan);
  // Reports something that could not be judged.
  void Report(std::string_view path, const Verdict& verdict,
              const TreeScan& scan);

  // Returns what was counted since the last call, and lets go of the tree.
  CorpusCounts Finish();

 private:
  void List(const TreeWork& work, const TreeScan& scan);
  bool Collect(int fd, TreeWork& to_enter, TreeWork& to_judge,
               const TreeScan& scan);
  void Sort(int fd, DirectoryEntry entry, TreeWork& to_enter,
            TreeWork& to_judge, const TreeScan& scan);
  void Enter(TreeWork& work, const TreeScan& scan);
  void JudgeAll(TreeWork& work, const TreeScan& scan);
  void JudgeEntry(int directory_fd, std::string_view name,
                  const TreeScan& scan);
  void ReportDirectory(const DirectoryRef& directory, const Verdict& verdict,
                       const TreeScan& scan);
  void Deliver(FileEvent event, const Verdict& verdict, const TreeScan& scan);
  void UsePathOf(const DirectoryRef& directory);
  std::string_view PathOfEntry(std::string_view name);

  std::unique_ptr<Scanner> scanner_;
  OpenDirectories open_directories_;
  DirectoryReader reader_;
  CorpusCounts counts_;
  // The path of path_of_ with a '/', then the name of the entry at hand. Its
  // memory is reused: a clean file costs no allocation for its path.
  std::string path_;
  DirectoryRef path_of_;
  size_t directory_path_bytes_ = 0;
};

// The verdict on something whose open failed.
[[nodiscard]] Verdict VerdictOfOpenError(int error_number);

}  // namespace gatehouse
