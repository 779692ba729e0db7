#include "engine/realtime_workers.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <system_error>
#include <utility>

#include "base/mutex.h"
#include "base/thread_name.h"
#include "base/time.h"
#include "engine/crash_mark.h"
#include "engine/scan_probe.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kWatchPeriod{50};

int64_t Nanoseconds(MonotonicTime time) {
  return time.time_since_epoch().count();
}

}  // namespace

struct RealtimeWorkers::Worker {
  bool exec_only = false;
  // Held by the worker while it judges, so that a new scanner is put into an
  // idle worker at once, and into a busy one when it is done.
  Mutex scanner_mutex;
  std::unique_ptr<Scanner> scanner GATEHOUSE_GUARDED_BY(scanner_mutex);
  // Of the set that is prepared. Under mutex_.
  std::unique_ptr<Scanner> prepared_scanner;
  // Made for this worker while it was busy; its to delete. Release and acquire
  // pass on what it points to.
  std::atomic<Scanner*> next_scanner{nullptr};
  // 0 while idle, else when the present scan began. Relaxed everywhere: a
  // watcher that sees it late only looks again one period later.
  std::atomic<int64_t> busy_since_ns{0};
  // Set under mutex_ by the worker itself, as its last act but returning.
  bool finished = false;
  std::jthread thread;  // Last: it uses the members above.

  Worker() = default;
  ~Worker() {
    if (thread.joinable()) thread.join();
    const std::unique_ptr<Scanner> unused(next_scanner.exchange(nullptr));
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
};

RealtimeWorkers::RealtimeWorkers(EventQueue& queue,
                                 std::shared_ptr<const SignatureSet> signatures,
                                 SinkRef sink, const CrashedContent* crashed,
                                 RealtimeStatistics& statistics,
                                 const RealtimeWorkersOptions& options)
    : queue_(queue),
      sink_(sink),
      crashed_(crashed),
      statistics_(statistics),
      options_(options),
      signatures_(std::move(signatures)) {
  assert(options_.workers > 0);
  assert(options_.workers + options_.exec_reserved <= options_.workers_max);
}

Result<std::unique_ptr<RealtimeWorkers>> RealtimeWorkers::Start(
    EventQueue& queue, std::shared_ptr<const SignatureSet> signatures,
    SinkRef sink, const CrashedContent* crashed, RealtimeStatistics& statistics,
    const RealtimeWorkersOptions& options) {
  std::unique_ptr<RealtimeWorkers> workers(new RealtimeWorkers(
      queue, std::move(signatures), sink, crashed, statistics, options));
  // The counts of a process that is gone say nothing about this one.
  statistics.workers_live.store(0);
  statistics.workers_stuck.store(0);
  RealtimeWorkers* self = workers.get();
  // Under the lock the watcher waits until everybody is there.
  const MutexLock lock(workers->mutex_);
  workers->watcher_ = std::make_unique<IdleTicker>(
      "gh-scan-watch", kWatchPeriod,
      [self] { return self->ReplaceStuckWorkers(); });
  const uint32_t all = options.workers + options.exec_reserved;
  for (uint32_t i = 0; i < all; ++i) {
    Result<bool> added = workers->AddWorker(i >= options.workers);
    if (!added) return Unexpected(added.error());
  }
  return workers;
}

RealtimeWorkers::~RealtimeWorkers() {
  cancel_.request_stop();
  queue_.Close();
  std::vector<std::unique_ptr<Worker>> workers;
  {
    const MutexLock lock(mutex_);
    workers.swap(workers_);
  }
  workers.clear();  // Joins. The watcher, which they use, goes after them.
}

Result<bool> RealtimeWorkers::AddWorker(bool exec_only) {
  Result<std::unique_ptr<Scanner>> scanner = Scanner::Create(signatures_);
  if (!scanner) return Unexpected(scanner.error());
  auto worker = std::make_unique<Worker>();
  worker->exec_only = exec_only;
  if (prepared_ != nullptr) {
    // Whoever comes now must not miss what all others will use.
    Result<std::unique_ptr<Scanner>> prepared = Scanner::Create(prepared_);
    if (!prepared) return Unexpected(prepared.error());
    worker->prepared_scanner = std::move(*prepared);
  }
  {
    const MutexLock lock(worker->scanner_mutex);
    worker->scanner = std::move(*scanner);
  }
  statistics_.workers_live.fetch_add(1);
  Worker* started = worker.get();
  try {
    worker->thread = std::jthread([this, started] { Run(*started); });
  } catch (const std::system_error& error) {  // The limit of threads.
    statistics_.workers_live.fetch_sub(1);
    return FailSystem("start a worker thread", error.code().value());
  }
  workers_.push_back(std::move(worker));
  return true;
}

void RealtimeWorkers::Run(Worker& worker) {
  SetThreadName(options_.thread_name);
  UseOrdinaryPriority();
  UseFaultStackOnThisThread();
  while (std::optional<FileEvent> event = queue_.Pop(worker.exec_only)) {
    Verdict verdict;
    if (cancel_.stop_requested()) {
      verdict = Verdict::NotScanned(NotScannedReason::kCancelled);
    } else {
      event->times.taken = MonotonicClock::now();
      worker.busy_since_ns.store(Nanoseconds(event->times.taken),
                                 std::memory_order_relaxed);
      watcher_->Arm();
      verdict = Judge(worker, *event);
      event->times.judged = MonotonicClock::now();
    }
    sink_.OnVerdict(std::move(*event), verdict);
    TakeNewScanner(worker);
    worker.busy_since_ns.store(0, std::memory_order_relaxed);
    if (IsSurplus(worker)) return;
  }
  const MutexLock lock(mutex_);
  worker.finished = true;
  statistics_.workers_live.fetch_sub(1);
}

Verdict RealtimeWorkers::Judge(Worker& worker, const FileEvent& event) {
  const int fd = event.file.UnsafeFd();
  if (options_.exclusions != nullptr &&
      (options_.exclusions->ExcludesPath(event.unsafe_believed_path) ||
       options_.exclusions->ExcludesProcess(
           event.unsafe_believed_executable))) {
    return Verdict::NotScanned(NotScannedReason::kExcluded);
  }
  if (options_.deny_list != nullptr) {
    std::optional<std::string> denied = options_.deny_list->Find(fd);
    if (denied) return Verdict::Infected(std::move(*denied));
  }
  if (crashed_ != nullptr && crashed_->Contains(fd)) {
    return Verdict::NotScanned(NotScannedReason::kScanCrashed);
  }
  // Relaxed counters: read for display only.
  statistics_.scans_started.fetch_add(1, std::memory_order_relaxed);
  ScanLimits limits;
  // Past its deadline nobody waits any more: the rest is for a rescan, so that
  // endless files do not keep those workers that others wait for.
  limits.give_up_at =
      std::min(event.deadline, event.times.taken + options_.scan_limit);
  limits.cancel = cancel_.get_token();
  limits.wants_sha256 =
      options_.wants_sha256 != nullptr && options_.wants_sha256->load();
  Verdict verdict;
  {
    const ScanMarkScope mark(event.unsafe_scan_mark);
    const MutexLock lock(worker.scanner_mutex);
    BeforeScan(fd);
    verdict = worker.scanner->Scan(fd, limits);
  }
  statistics_.scans_finished.fetch_add(1, std::memory_order_relaxed);
  statistics_.bytes_scanned.fetch_add(verdict.bytes_scanned,
                                      std::memory_order_relaxed);
  return verdict;
}

RealtimeWorkers::PreparedSet::~PreparedSet() {
  if (workers_ == nullptr) return;
  const MutexLock lock(workers_->mutex_);
  workers_->DropPrepared();
}

void RealtimeWorkers::PreparedSet::Use() {
  assert(workers_ != nullptr);
  std::exchange(workers_, nullptr)->UsePrepared();
}

Result<RealtimeWorkers::PreparedSet> RealtimeWorkers::Prepare(
    std::shared_ptr<const SignatureSet> signatures) {
  assert(signatures != nullptr);
  const MutexLock lock(mutex_);
  assert(prepared_ == nullptr);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    Result<std::unique_ptr<Scanner>> scanner = Scanner::Create(signatures);
    if (!scanner) {
      DropPrepared();
      return Unexpected(scanner.error());
    }
    worker->prepared_scanner = std::move(*scanner);
  }
  prepared_ = std::move(signatures);
  return PreparedSet(*this);
}

Result<std::vector<RealtimeWorkers::PreparedSet>> RealtimeWorkers::PrepareInAll(
    std::initializer_list<RealtimeWorkers*> pools,
    const std::shared_ptr<const SignatureSet>& signatures) {
  std::vector<PreparedSet> all;
  for (RealtimeWorkers* const pool : pools) {
    Result<PreparedSet> prepared = pool->Prepare(signatures);
    if (!prepared) return Unexpected(prepared.error());
    all.push_back(std::move(*prepared));
  }
  return all;
}

void RealtimeWorkers::DropPrepared() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->prepared_scanner.reset();
  }
  prepared_.reset();
}

void RealtimeWorkers::UsePrepared() {
  const MutexLock lock(mutex_);
  // For workers that come later.
  signatures_ = std::exchange(prepared_, nullptr);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    assert(worker->prepared_scanner != nullptr);
    const std::unique_ptr<Scanner> old(worker->next_scanner.exchange(
        worker->prepared_scanner.release(), std::memory_order_acq_rel));
    TakeNewScanner(*worker);
  }
}

// By the worker between two scans, and by who has made the scanner. Whoever
// comes while the other is at it, or while the worker judges, leaves it to him:
// he looks again afterwards.
void RealtimeWorkers::TakeNewScanner(Worker& worker) {
  while (worker.next_scanner.load(std::memory_order_acquire) != nullptr &&
         worker.scanner_mutex.TryLock()) {
    std::unique_ptr<Scanner> scanner(
        worker.next_scanner.exchange(nullptr, std::memory_order_acq_rel));
    if (scanner != nullptr) worker.scanner.swap(scanner);
    worker.scanner_mutex.Unlock();
    // The old one goes here, without the lock.
  }
}

// A worker that was stuck and replaced finds more than enough others when it
// comes back: it leaves.
bool RealtimeWorkers::IsSurplus(const Worker& worker) {
  if (statistics_.workers_live.load(std::memory_order_relaxed) <=
      options_.workers + options_.exec_reserved) {
    return false;  // The ordinary case, without the lock.
  }
  const MutexLock lock(mutex_);
  const uint32_t wanted =
      worker.exec_only ? options_.exec_reserved : options_.workers;
  uint32_t free = 0;
  Worker* self = nullptr;
  const int64_t stuck_before =
      Nanoseconds(MonotonicClock::now()) -
      std::chrono::nanoseconds(options_.stuck_after).count();
  for (const std::unique_ptr<Worker>& other : workers_) {
    if (other.get() == &worker) self = other.get();
    if (other->finished || other->exec_only != worker.exec_only) continue;
    const int64_t since = other->busy_since_ns.load(std::memory_order_relaxed);
    if (since == 0 || since > stuck_before) ++free;
  }
  if (free <= wanted || self == nullptr) return false;
  self->finished = true;
  statistics_.workers_live.fetch_sub(1);
  return true;
}

bool RealtimeWorkers::ReplaceStuckWorkers() {
  const MutexLock lock(mutex_);
  if (cancel_.stop_requested()) return false;
  ReapFinishedWorkers();
  const int64_t stuck_before =
      Nanoseconds(MonotonicClock::now()) -
      std::chrono::nanoseconds(options_.stuck_after).count();
  bool busy = queue_.size() != 0;
  uint32_t stuck = 0;
  uint32_t free_by_kind[2] = {0, 0};
  for (const std::unique_ptr<Worker>& worker : workers_) {
    const int64_t since = worker->busy_since_ns.load(std::memory_order_relaxed);
    busy = busy || since != 0;
    if (since != 0 && since <= stuck_before) {
      ++stuck;
    } else {
      ++free_by_kind[worker->exec_only ? 1 : 0];
    }
  }
  statistics_.workers_stuck.store(stuck);
  const uint32_t wanted_by_kind[2] = {options_.workers, options_.exec_reserved};
  for (const bool exec_only : {true, false}) {
    const size_t kind = exec_only ? 1 : 0;
    for (; free_by_kind[kind] < wanted_by_kind[kind]; ++free_by_kind[kind]) {
      if (workers_.size() >= options_.workers_max) {
        statistics_.workers_limit_hits.fetch_add(1);
        return busy;
      }
      if (!AddWorker(exec_only)) {
        statistics_.workers_replace_failed.fetch_add(1);
        return true;  // Try again at the next tick.
      }
      statistics_.workers_replaced.fetch_add(1);
    }
  }
  return busy;
}

void RealtimeWorkers::ReapFinishedWorkers() {
  std::erase_if(workers_, [](const std::unique_ptr<Worker>& worker) {
    return worker->finished;  // Its destructor joins a thread that returns.
  });
}

}  // namespace gatehouse
