#include "engine/corpus_driver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "base/unique_fd.h"
#include "engine/scanner.h"
#include "engine/tree_worker.h"

namespace gatehouse {

// oneTBB gives every thread of an arena a slot; each slot has one TreeWorker.
// A piece of work is one task. No task waits, so a thread never begins a second
// piece inside a first, and the worker of a slot belongs to one piece at a
// time. Tasks are run newest first, which is depth first: memory stays small.
//
// Real time does not go this way: two stuck scans would hold up everybody. See
// realtime_workers.h.

struct CorpusDriver::State {
  State(size_t threads, std::stop_token cancel_token)
      : cancel(std::move(cancel_token)),
        parallelism(tbb::global_control::max_allowed_parallelism, threads),
        arena(static_cast<int>(threads)) {}

  TreeWorker& WorkerOfThisThread() const {
    const int slot = tbb::this_task_arena::current_thread_index();
    assert(slot >= 0);
    return *workers.at(static_cast<size_t>(slot));
  }
  void ScanTree(DirectoryRef root, TreeScan& scan);

  std::stop_token cancel;
  tbb::global_control parallelism;
  tbb::task_arena arena;
  std::vector<std::unique_ptr<TreeWorker>> workers;  // By slot of the arena.
};

namespace {

size_t ThreadCount(size_t wanted) {
  return wanted != 0 ? wanted
                     : std::clamp<size_t>(std::thread::hardware_concurrency(),
                                          1, kCorpusThreadsMax);
}

void Add(CorpusCounts& sum, const CorpusCounts& part) {
  sum.files_scanned += part.files_scanned;
  sum.threats += part.threats;
  sum.allowed += part.allowed;
  sum.not_scanned += part.not_scanned;
  sum.errors += part.errors;
  sum.directories += part.directories;
  sum.symbolic_links += part.symbolic_links;
  sum.bytes_scanned += part.bytes_scanned;
}

// The path to show in front of names: "" for the root of the file system, so
// that no path begins with two slashes.
std::string WithoutTrailingSlashes(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

CorpusDriver::CorpusDriver(std::unique_ptr<State> state)
    : state_(std::move(state)) {}
CorpusDriver::~CorpusDriver() = default;

Result<std::unique_ptr<CorpusDriver>> CorpusDriver::Create(
    std::shared_ptr<const SignatureSet> signatures,
    const CorpusOptions& options) {
  if (options.threads > kCorpusThreadsMax) {
    return Fail(ErrorCode::kInvalidInput,
                "at most " + std::to_string(kCorpusThreadsMax) + " threads");
  }
  const size_t threads = ThreadCount(options.threads);
  auto state = std::make_unique<State>(threads, options.cancel);
  const size_t descriptors_max = DirectoryDescriptorsMax(threads);
  for (size_t i = 0; i < threads; ++i) {
    Result<std::unique_ptr<Scanner>> scanner = Scanner::Create(signatures);
    if (!scanner) return Unexpected(scanner.error());
    state->workers.push_back(
        std::make_unique<TreeWorker>(std::move(*scanner), descriptors_max));
  }
  return std::unique_ptr<CorpusDriver>(new CorpusDriver(std::move(state)));
}

Result<CorpusCounts> CorpusDriver::Scan(const std::string& path, SinkRef sink) {
  const std::string what = "scan '" + DisplayText(path) + "'";
  TreeScan scan{sink, -1, {}, {}};
  scan.limits.cancel = state_->cancel;
  TreeWorker& first_worker = *state_->workers.front();
  // Looked at before it is opened: opening a device can have effects.
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return FailSystem(what, errno);
  UniqueFd fd;
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
    fd.Reset(
        ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!fd.valid()) return FailSystem(what, errno);
    if (::fstat(fd.UnsafeFd(), &status) != 0) return FailSystem(what, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    const DirectoryRef root =
        DirectoryRef::MakeRoot(WithoutTrailingSlashes(path));
    root->identity = {status.st_dev, status.st_ino};
    root->is_identified = true;
    scan.root_fd = fd.UnsafeFd();
    state_->ScanTree(root, scan);
  } else if (!S_ISREG(status.st_mode)) {
    first_worker.Report(
        path, Verdict::NotScanned(NotScannedReason::kNotRegularFile), scan);
  } else if (IsOnPseudoFileSystem(fd.UnsafeFd())) {
    first_worker.Report(
        path, Verdict::NotScanned(NotScannedReason::kPseudoFileSystem), scan);
  } else {
    first_worker.Judge(std::move(fd), path, scan);
  }
  CorpusCounts counts;
  for (const auto& worker : state_->workers) Add(counts, worker->Finish());
  counts.is_cancelled = state_->cancel.stop_requested();
  return counts;
}

void CorpusDriver::State::ScanTree(DirectoryRef root, TreeScan& scan) {
  arena.execute([&] {
    tbb::task_group group;
    scan.spawn = [&](std::unique_ptr<TreeWork> work) {
      group.run([this, &scan, work = std::move(work)] {
        WorkerOfThisThread().Run(*work, scan);
      });
    };
    auto first = std::make_unique<TreeWork>();
    first->directory = std::move(root);
    scan.spawn(std::move(first));
    group.wait();
  });
}

}  // namespace gatehouse
