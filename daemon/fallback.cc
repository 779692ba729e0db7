#include "daemon/fallback.h"

#include <algorithm>
#include <utility>

#include "base/thread_name.h"
#include "base/time.h"
#include "daemon/utc_text.h"

namespace gatehouse {
namespace {

constexpr const char* kInotify = "inotify";
constexpr const char* kPeriodicScan = "periodic_scan";

}  // namespace

ProtectionState WithFallback(ProtectionState protection,
                             const FallbackState& fallback) {
  if (fallback.subsystem.empty() || protection.subsystem != kNoSubsystem) {
    return protection;
  }
  protection.subsystem = fallback.subsystem;
  std::erase(protection.issues, kNoProvider);
  std::string issue = fallback.subsystem == kInotify
                          ? "opens are not held: files are judged after they "
                            "were written, by inotify"
                          : "opens are not held and writes not seen: the "
                            "protected paths are scanned from time to time";
  if (!fallback.reason.empty()) issue += ": " + fallback.reason;
  protection.issues.push_back(std::move(issue));
  return protection;
}

void Fallback::Step(bool is_needed) {
  Mode mode = Mode::kNone;
  std::string failure;
  {
    const MutexLock lock(mutex_);
    mode = mode_;
    if (watch_ != nullptr) failure = watch_->failure();
  }
  if (!is_needed) {
    if (mode != Mode::kNone) Stop();
    return;
  }
  const bool watches = mode == Mode::kInotify;
  if (watches && !failure.empty()) {
    StartScan(std::move(failure));
  } else if (mode == Mode::kNone || (watches && HasOtherRoots())) {
    StartWatch();
  }
}

bool Fallback::HasOtherRoots() {
  return mounts_changed_.exchange(false) && parts_.find_roots() != roots_;
}

void Fallback::StartWatch() {
  mounts_changed_.store(false);
  roots_ = parts_.find_roots();
  EndWatch();  // Two would need twice the watches.
  Result<std::unique_ptr<TreeWatch>> watch = TreeWatch::Start(
      roots_, parts_.options.inotify_watches_max,
      [this](UniqueFd file, std::string path, const std::stop_token& stop) {
        return parts_.files.Judge({std::move(file), std::move(path)}, stop);
      },
      parts_.statistics);
  if (!watch) {
    StartScan(watch.error().message);
    return;
  }
  {
    const MutexLock lock(mutex_);
    watch_ = std::move(*watch);
  }
  Enter(Mode::kInotify, "");
}

void Fallback::StartScan(std::string reason) {
  EndWatch();
  Enter(Mode::kPeriodicScan, std::move(reason));
  scan_ = std::jthread([this](const std::stop_token& stop) { RunScan(stop); });
}

void Fallback::Enter(Mode mode, std::string reason) {
  parts_.log.Log(
      Severity::kWarning, "no fanotify: falling back",
      {{"subsystem", mode == Mode::kInotify ? kInotify : kPeriodicScan},
       {"reason", reason}});
  const MutexLock lock(mutex_);
  mode_ = mode;
  reason_ = std::move(reason);
}

void Fallback::Stop() {
  scan_ = std::jthread();
  EndWatch();
  const MutexLock lock(mutex_);
  mode_ = Mode::kNone;
  reason_.clear();
}

// Waits for its thread, not under the lock, which health takes.
void Fallback::EndWatch() {
  std::unique_ptr<TreeWatch> watch;
  {
    const MutexLock lock(mutex_);
    watch.swap(watch_);
  }
  watch.reset();
}

void Fallback::RunScan(const std::stop_token& stop) {
  SetThreadName("gh-tree-scan");
  UseOrdinaryPriority();
  std::unique_lock<std::mutex> lock(wait_mutex_);
  while (!stop.stop_requested()) {
    ScanOnce(stop);
    (void)wait_.wait_for(lock, stop, parts_.options.scan_interval,
                         [] { return false; });
  }
}

void Fallback::ScanOnce(const std::stop_token& stop) {
  for (const std::string& root : parts_.find_roots()) {
    TreeWalk tree(root);
    TreeWalk::Visitor visitor;
    visitor.on_directory = [](int, const std::string&) { return true; };
    visitor.on_file = [&](UniqueFd file, const std::string& path) {
      std::string full_path = root;
      full_path.append("/").append(path);
      return parts_.files.Judge({std::move(file), std::move(full_path)}, stop);
    };
    const Result<WalkCounts> counts = tree.Visit("", visitor, stop);
    if (stop.stop_requested()) return;
    if (!counts) {
      parts_.log.Log(Severity::kWarning, "not scanned",
                     {{"error", counts.error().message}});
      continue;
    }
    parts_.statistics.walks.fetch_add(1);
    parts_.statistics.unreachable.fetch_add(counts->unreachable);
  }
  const MutexLock lock(mutex_);
  last_scan_ms_ = WallClockMilliseconds();
}

FallbackState Fallback::state() const {
  FallbackState state;
  const MutexLock lock(mutex_);
  if (mode_ == Mode::kPeriodicScan) {
    state.subsystem = kPeriodicScan;
    state.reason = reason_ + "; every " +
                   std::to_string(parts_.options.scan_interval.count()) +
                   " s, last " +
                   (last_scan_ms_ == 0 ? "now" : UtcText(last_scan_ms_));
  } else if (watch_ != nullptr && watch_->IsWatching()) {
    state.subsystem = kInotify;
    state.reason = std::to_string(watch_->watches()) + " directories";
  }
  return state;
}

}  // namespace gatehouse
