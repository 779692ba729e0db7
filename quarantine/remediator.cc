#include "quarantine/remediator.h"

#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <string_view>

#include "base/thread_name.h"
#include "quarantine/threat_id.h"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;

// A process that keeps a captured file open gets this long to finish.
constexpr std::chrono::seconds kCapturedTime{60};
constexpr milliseconds kCapturedPeriod{50};
constexpr milliseconds kSweepPeriod{1000};
constexpr milliseconds kStopMax{3000};

}  // namespace

Result<std::unique_ptr<Remediator>> Remediator::Start(
    const Parts& parts, const ActiveSignatures& signatures,
    std::vector<UnfinishedIsolation> unfinished) {
  auto remediator =
      std::unique_ptr<Remediator>(new Remediator(parts, std::move(unfinished)));
  // All of them before the first thread: what can fail comes first.
  for (size_t i = 0; i < kThreads; ++i) {
    Result<RenewedScanner> scanner = RenewedScanner::Create(signatures);
    if (!scanner) return Unexpected(scanner.error());
    // Shared only because a std::function can be copied; it never is.
    const auto shared = std::make_shared<RenewedScanner>(std::move(*scanner));
    remediator->isolators_.push_back(std::make_unique<Isolator>(
        parts.vault,
        [shared](int fd, const ScanLimits& limits) {
          return shared->Scan(fd, limits);
        },
        parts.rules));
  }
  for (size_t i = 0; i < kThreads; ++i) {
    remediator->threads_.emplace_back(
        [self = remediator.get(), &isolator = *remediator->isolators_.at(i),
         recovers = i == 0] {
          SetThreadName("gh-isolate");
          UseOrdinaryPriority();
          self->Run(isolator, recovers);
        });
  }
  return remediator;
}

Remediator::Remediator(const Parts& parts,
                       std::vector<UnfinishedIsolation> unfinished)
    : parts_(parts),
      other_names_(parts.vault.files(), parts.deny_list),
      unfinished_(std::move(unfinished)) {
  // What a predecessor counted as going on is not. The recovery is one more:
  // until it has ended, a record of what is in the vault may be missing.
  parts_.statistics.pending.store(unfinished_.size() + 1);
  parts_.statistics.captured.store(0);
  const MutexLock lock(mutex_);
  for (const UnfinishedIsolation& isolation : unfinished_) {
    if (isolation.file) in_work_[KeyOf(isolation.file->UnsafeFd())];
  }
}

Remediator::~Remediator() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    stop_by_ = MonotonicClock::now() + kStopMax;
  }
  changed_.NotifyAll();
  threads_.clear();  // Joins.
  std::deque<Work> left;
  {
    const MutexLock lock(mutex_);
    left.swap(queue_);
  }
  for (const Work& work : left) {
    const Threat threat = RecordInPlace(work.detection, ThreatStatus::kBlocked,
                                        "the daemon was stopped");
    if (work.detection.done) work.detection.done(threat);
  }
}

// --- Taking hits ------------------------------------------------------------

Remediator::Key Remediator::KeyOf(int fd) {
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0) return {};
  return {facts.st_dev, facts.st_ino};
}

bool Remediator::Submit(Detection detection, bool may_wait) {
  const int fd = detection.event.file.UnsafeFd();
  const Key key = KeyOf(fd);
  DenyList::Entry denied;
  if (!detection.leave_as) {
    denied = parts_.deny_list.Add(fd, detection.threat_name);
  }
  {
    const MutexLock lock(mutex_);
    while (may_wait && !is_stopping_ && queue_.size() >= parts_.pending_max) {
      changed_.Wait(mutex_);
    }
    const auto again = in_work_.find(key);
    if (again != in_work_.end()) {
      parts_.statistics.hits_again.fetch_add(1);
      if (detection.done) again->second.push_back(std::move(detection.done));
      return true;  // The other hit's isolation is this one's too.
    }
    if (queue_.size() < parts_.pending_max && !is_stopping_) {
      parts_.statistics.hits.fetch_add(1);
      parts_.statistics.pending.fetch_add(1);
      in_work_[key];
      queue_.push_back({std::move(detection), key, std::move(denied)});
      changed_.NotifyAll();
      return true;
    }
  }
  // Not recorded: whoever found it may have others waiting for him. The file
  // is in its place, and judged again when somebody opens it.
  parts_.statistics.hits_refused.fetch_add(1);
  if (detection.done) {
    Threat threat = ThreatOf(ObjectHeader());
    threat.history.push_back({WallClockMilliseconds(), ThreatStatus::kBlocked,
                              "too many files are being isolated"});
    detection.done(threat);
  }
  return false;
}

// Empty: look after captured files, or end.
std::optional<Remediator::Work> Remediator::Take(milliseconds patience) {
  const MutexLock lock(mutex_);
  if (queue_.empty() && !is_stopping_) {
    milliseconds wait = patience;
    if (!captured_.empty()) wait = std::min(wait, kCapturedPeriod);
    if (other_names_.size() != 0) wait = std::min(wait, kSweepPeriod);
    changed_.WaitFor(mutex_, wait);
  }
  if (queue_.empty() || MonotonicClock::now() > stop_by_) return std::nullopt;
  Work work = std::move(queue_.front());
  queue_.pop_front();
  changed_.NotifyAll();  // Somebody may wait for room.
  return work;
}

void Remediator::Run(Isolator& isolator, bool is_first) {
  if (is_first) Recover(isolator);
  milliseconds patience{0};  // When idle, there is something to do at first.
  while (true) {
    std::optional<Work> work = Take(patience);
    const bool is_idle = !work.has_value();
    if (is_idle) {
      const bool has_more = is_first && parts_.when_idle && parts_.when_idle();
      patience = has_more ? milliseconds{0} : milliseconds{kIdlePeriod};
    }
    if (work) Deal(isolator, std::move(*work));
    FinishCaptured(isolator, false);
    if (is_idle) other_names_.Sweep();
    const MutexLock lock(mutex_);
    if (is_idle && is_stopping_) break;
  }
  FinishCaptured(isolator, true);
}

void Remediator::Deal(Isolator& isolator, Work work) {
  const Detection& detection = work.detection;
  Isolation isolation = Treat(isolator, detection);
  const Timing timing = TimingOf(detection);
  LookForOtherNames(isolation, detection.event.file.UnsafeFd());
  Threat threat = ThreatOf(isolation.header);
  if (IsKnownAndGone(isolation)) {
    parts_.statistics.hits_again.fetch_add(1);
    threat.history.push_back(
        {WallClockMilliseconds(), ThreatStatus::kQuarantined, ""});
  } else {
    threat = RecordIsolation(isolation, timing);
  }
  std::function<void(const Threat&)> done = std::move(work.detection.done);
  // Before the event goes, and the last descriptor with it: then the inode's
  // number may mean another file.
  const Callbacks also_done =
      isolation.captured ? TakeCallbacks(work.key) : EndWork(work.key);
  // It is a descriptor on the captured file, which must have only one of ours.
  work.detection.event = FileEvent();
  if (isolation.captured) {
    Keep(isolator, std::move(*isolation.captured), work.key);
  }
  work.denied.Reset();
  parts_.statistics.pending.fetch_sub(1);
  if (done) done(threat);
  for (const auto& other : also_done) other(threat);
}

Remediator::Timing Remediator::TimingOf(const Detection& detection) {
  const MonotonicTime now = MonotonicClock::now();
  if (!detection.closed_at) return {now <= detection.isolate_by, {}};
  const auto after = std::chrono::ceil<milliseconds>(
      std::max(now - *detection.closed_at, MonotonicTime::duration(0)));
  return {{}, static_cast<uint64_t>(after.count())};
}

// A file that is remembered already keeps the id that people know it by, and
// the vault's object gets it, too.
std::string Remediator::KnownIdOf(int fd) {
  const Result<FileFacts> facts = parts_.vault.files().Identity(fd);
  if (!facts) return "";
  return parts_.store.UnfinishedOf(FileKey(*facts)).value_or("");
}

Isolation Remediator::Treat(Isolator& isolator, const Detection& detection) {
  if (detection.leave_as) {
    return InPlace(detection, detection.leave_as->status,
                   detection.leave_as->detail);
  }
  if (!parts_.isolates) {
    return InPlace(detection, ThreatStatus::kBlocked,
                   "quarantine is switched off");
  }
  const int fd = detection.event.file.UnsafeFd();
  const Result<FileFacts> facts = parts_.vault.files().Identity(fd);
  if (facts && facts->nlink == 0 && Knows(*facts)) {
    return InPlace(detection, ThreatStatus::kNotFound, "its name is gone");
  }
  return isolator.Isolate({fd, detection.threat_name, detection.scan_id,
                           KnownIdOf(fd), detection.is_forced});
}

// A hit of somebody who opened the file before its name was gone and was
// judged after.
bool Remediator::IsKnownAndGone(const Isolation& isolation) {
  return isolation.status == ThreatStatus::kNotFound &&
         Knows(isolation.header.file);
}

bool Remediator::Knows(const FileFacts& facts) {
  // A dead process may have finished it without a word.
  WaitForRecovery();
  const auto ids = parts_.store.IdsOf(FileKey(facts));
  return ids && !ids->empty();
}

Remediator::Callbacks Remediator::TakeCallbacks(const Key& key) {
  const MutexLock lock(mutex_);
  const auto found = in_work_.find(key);
  if (found == in_work_.end()) return {};
  return std::exchange(found->second, {});
}

Remediator::Callbacks Remediator::EndWork(const Key& key) {
  const MutexLock lock(mutex_);
  const auto found = in_work_.find(key);
  if (found == in_work_.end()) return {};
  Callbacks callbacks = std::move(found->second);
  in_work_.erase(found);
  return callbacks;
}

// What a captured file is to those who found it too.
void Remediator::EndCaptured(const CapturedFile& captured, const Key& key) {
  const Callbacks callbacks = EndWork(key);
  if (callbacks.empty()) return;
  Threat threat = ThreatOf(captured.header);
  threat.history.push_back(
      {WallClockMilliseconds(), ThreatStatus::kQuarantined, ""});
  for (const auto& done : callbacks) done(threat);
}

// --- Captured files ---------------------------------------------------------

void Remediator::Keep(Isolator& isolator, CapturedFile captured,
                      const Key& key) {
  {
    const MutexLock lock(mutex_);
    if (captured_.size() < kCapturedMax) {
      captured_.push_back(
          {std::move(captured), key, MonotonicClock::now() + kCapturedTime});
      parts_.statistics.captured.fetch_add(1);
      return;
    }
  }
  (void)FinishOne(isolator, captured, true);
  EndCaptured(captured, key);
}

// Takes the whole list: the other thread may do the same meanwhile.
void Remediator::FinishCaptured(Isolator& isolator, bool is_last_call) {
  std::vector<Waiting> waiting;
  {
    const MutexLock lock(mutex_);
    waiting.swap(captured_);
  }
  for (Waiting& one : waiting) {
    const bool is_over = is_last_call || MonotonicClock::now() > one.until;
    if (FinishOne(isolator, one.captured, is_over)) {
      parts_.statistics.captured.fetch_sub(1);
      EndCaptured(one.captured, one.key);
      continue;
    }
    const MutexLock lock(mutex_);
    captured_.push_back(std::move(one));
  }
}

bool Remediator::FinishOne(Isolator& isolator, CapturedFile& captured,
                           bool is_last_call) {
  const std::optional<Isolation> end = isolator.Finish(captured, is_last_call);
  if (!end) return false;
  LookForOtherNames(*end, captured.file.UnsafeFd());
  if (end->status != ThreatStatus::kQuarantined) {
    // Its last writer made it harmless, or the disk refused: put back.
    (void)RecordIsolation(*end, {});
  }
  return true;
}

// Its other names are denied until they are isolated, too, or it is found to be
// harmless.
void Remediator::LookForOtherNames(const Isolation& isolation, int fd) {
  if (isolation.status == ThreatStatus::kQuarantined && !isolation.captured) {
    other_names_.Look(fd, isolation.header.threat_name);
  } else if (isolation.status == ThreatStatus::kDetected) {
    other_names_.Forget(isolation.header.file);
  }
}

// --- Recording --------------------------------------------------------------

Threat Remediator::RecordIsolation(const Isolation& isolation,
                                   const Timing& timing) {
  Threat threat = ThreatOf(isolation.header);
  threat.history.push_back(
      {WallClockMilliseconds(), isolation.status, isolation.detail});
  RemediatorStatistics& statistics = parts_.statistics;
  if (isolation.status == ThreatStatus::kQuarantined) {
    threat.isolated_in_time = timing.in_time;
    threat.isolated_after_ms = timing.after_ms;
    if (timing.after_ms) statistics.isolated_after_close.fetch_add(1);
    if (timing.in_time) {
      (*timing.in_time ? statistics.isolated_in_time : statistics.isolated_late)
          .fetch_add(1);
    }
  } else if (isolation.is_left_alone) {
    statistics.left_alone.fetch_add(1);
  } else {
    statistics.not_isolated.fetch_add(1);
  }
  Record(threat, FileKey(isolation.header.file));
  return threat;
}

void Remediator::Record(Threat& threat, const std::string& file_key) {
  Result<std::string> id = parts_.store.Record(threat, file_key);
  if (id) {
    threat.id = std::move(*id);
  } else {
    parts_.statistics.record_errors.fetch_add(1);
    if (parts_.failed) parts_.failed(id.error());
  }
  if (parts_.recorded) parts_.recorded(threat);
}

Threat Remediator::RecordInPlace(const Detection& detection,
                                 ThreatStatus status, const std::string& why,
                                 bool is_left_alone) {
  Isolation isolation = InPlace(detection, status, why);
  isolation.is_left_alone = is_left_alone;
  return RecordIsolation(isolation, {});
}

Isolation Remediator::InPlace(const Detection& detection, ThreatStatus status,
                              const std::string& why) {
  const int fd = detection.event.file.UnsafeFd();
  FileOperations& files = parts_.vault.files();
  ObjectHeader header;
  header.id = NewThreatId();
  header.threat_name = detection.threat_name;
  header.scan_id = detection.scan_id;
  header.path = files.PathOf(fd).value_or("");
  header.file = files.Identity(fd).value_or(FileFacts());
  Isolation isolation{status, why, std::move(header), {}};
  isolation.is_left_alone = detection.leave_as.has_value();
  return isolation;
}

// --- Recovery ---------------------------------------------------------------

void Remediator::Recover(Isolator& isolator) {
  for (UnfinishedIsolation& unfinished : unfinished_) {
    const Key key =
        unfinished.file ? KeyOf(unfinished.file->UnsafeFd()) : Key();
    const size_t others =
        OtherObjectsOf(parts_.vault, parts_.store, unfinished.header);
    Isolation isolation =
        isolator.Resume(unfinished.header, std::move(unfinished.file), others);
    parts_.statistics.recovered.fetch_add(1);
    // Whatever the event's deadline was, it is over.
    const Threat threat = isolation.is_known_otherwise
                              ? ThreatOf(isolation.header)
                              : RecordIsolation(isolation, {false, {}});
    if (isolation.captured) {
      Keep(isolator, std::move(*isolation.captured), key);
    } else {
      for (const auto& done : EndWork(key)) done(threat);
    }
    unfinished.denied.Reset();
    parts_.statistics.pending.fetch_sub(1);
  }
  unfinished_.clear();
  const Result<Reconciliation> reconciled =
      Reconcile(parts_.vault, parts_.store);
  if (!reconciled && parts_.failed) parts_.failed(reconciled.error());
  if (reconciled && parts_.failed) {
    for (const Error& problem : reconciled->problems) parts_.failed(problem);
  }
  parts_.statistics.pending.fetch_sub(1);
  const MutexLock lock(mutex_);
  is_recovered_ = true;
  changed_.NotifyAll();
}

void Remediator::WaitForRecovery() {
  const MutexLock lock(mutex_);
  while (!is_recovered_) changed_.Wait(mutex_);
}

}  // namespace gatehouse
