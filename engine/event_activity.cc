#include "engine/event_activity.h"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

namespace gatehouse {
namespace {

constexpr std::chrono::seconds kLookupPeriod{1};
constexpr uint64_t kEventsPerName = 64;
// Rows that are copied before the lock is let go for a moment.
constexpr size_t kRowsPerLock = 8;

uint64_t RandomSeed() {
  std::random_device random;
  return (uint64_t{random()} << 32) | random();
}

std::string_view PathOf(const CountedEvent& event) {
  return event.look_up_path == nullptr ? event.path
                                       : event.look_up_path(event.subject);
}

std::string_view NameOf(const ProcessOrigin& origin) {
  const std::string_view name(origin.name.data(), origin.name.size());
  return name.substr(0, name.find('\0'));
}

}  // namespace

uint64_t EventActivity::HashPath::operator()(const PathText& path,
                                             uint64_t seed) const {
  uint64_t hash = seed ^ path.view().size();
  for (const char c : path.view()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return MixedHash(hash, seed);
}

void EventActivity::Counts::Add(const CountedEvent& event, uint64_t pid_hash) {
  if (event.kind == FileEventKind::kClose) {
    ++notify;
  } else {
    ++auth;
  }
  pids.Add(event.pid, pid_hash);
}

void EventActivity::Counts::Add(const Counts& other) {
  auth += other.auth;
  notify += other.notify;
  pids.Add(other.pids);
}

EventActivity::EventActivity(OriginReader read_origin)
    : read_origin_(read_origin),
      seed_(RandomSeed()),
      processes_(kProcessesMax, seed_),
      files_(kFilesMax, seed_),
      programs_(kProgramsMax, seed_) {
  (void)Restart();
}

// --- Counting ---------------------------------------------------------------

void EventActivity::Count(const CountedEvent& event) {
  if (!is_enabled()) return;
  Lookup lookup;
  {
    const MutexLock lock(mutex_);
    lookup = CountLocked(event);
    lookup.is_due = lookup.is_due && MayLookUp(event.now);
  }
  if (lookup.is_due) LookUp(lookup);
}

void EventActivity::TryCount(const CountedEvent& event) {
  if (!is_enabled()) return;
  if (!mutex_.TryLock()) {
    unattributed_.fetch_add(1, std::memory_order_relaxed);  // For display.
    return;
  }
  (void)CountLocked(event);
  mutex_.Unlock();
}

EventActivity::Lookup EventActivity::CountLocked(const CountedEvent& event) {
  const uint64_t pid_hash = MixedHash(static_cast<uint64_t>(event.pid), seed_);
  Lookup lookup;
  CountProcess(event, pid_hash, lookup);
  // A rescan is ours: whoever caused it was counted when it came.
  if (event.kind == FileEventKind::kRescan) return lookup;
  ++window_.total_events;
  CountFile(event, pid_hash);
  return lookup;
}

void EventActivity::CountProcess(const CountedEvent& event, uint64_t pid_hash,
                                 Lookup& lookup) {
  // Pointers: that the lock is held does not show within the lambda.
  ProgramTable* const programs = &programs_;
  Counts* const unknown_programs = &unknown_programs_;
  ProcessTable::Slot& slot =
      processes_.Add(event.pid, 1, [&](const ProcessTable::Slot& evicted) {
        FoldProgram(evicted.row, *programs, *unknown_programs);
      });
  ProcessRow& row = slot.row;
  if (event.kind != FileEventKind::kRescan) {
    row.counts.Add(event, pid_hash);
    row.in_window.Add(event, pid_hash);
  }
  if (event.was_scanned) {
    ++row.files_scanned;
    row.scan_ns += static_cast<uint64_t>(event.scan_time.count());
  }
  if (event.kind == FileEventKind::kExec) {
    // It still is what it was, and may be over before we look again. The first
    // of several starts is the program, the next its interpreter.
    if (!row.is_starting) {
      ProcessOrigin next;
      next.start_ticks = row.origin.start_ticks;
      const std::string_view path = PathOf(event);
      next.executable.Assign(path);
      const std::string_view name =
          path.substr(path.rfind('/') + 1).substr(0, next.name.size() - 1);
      std::copy(name.begin(), name.end(), next.name.begin());
      Apply(row, next);
      row.is_starting = true;
    }
    return;
  }
  if (event.pid == 0) return;  // Of a pid namespace that we do not see.
  if (!row.is_starting && event.now - row.looked_up_at < kLookupPeriod) return;
  row.looked_up_at = event.now;
  lookup = {true, event.pid, slot.life};
}

void EventActivity::CountFile(const CountedEvent& event, uint64_t pid_hash) {
  SourceRow& row = files_.Add(event.file, 1, [](const auto&) {}).row;
  row.counts.Add(event, pid_hash);
  // A new name now and then: files are renamed, and inodes used again.
  if (event.look_up_path != nullptr && !row.path.empty() &&
      row.counts.sum() % kEventsPerName != 0) {
    return;
  }
  const std::string_view path = PathOf(event);
  if (!row.path.Holds(path)) row.path.Assign(path);
}

void EventActivity::FoldProgram(const ProcessRow& row, ProgramTable& programs,
                                Counts& unknown_programs) {
  if (row.in_window.sum() == 0) return;
  if (row.origin.executable.empty()) {
    unknown_programs.Add(row.in_window);
    return;
  }
  SourceRow& program =
      programs
          .Add(row.origin.executable, row.in_window.sum(), [](const auto&) {})
          .row;
  program.path = row.origin.executable;
  program.counts.Add(row.in_window);
}

// --- Looking up -------------------------------------------------------------

bool EventActivity::MayLookUp(MonotonicTime now) {
  if (now - lookups_since_ >= std::chrono::seconds{1}) {
    lookups_since_ = now;
    lookups_ = 0;
  }
  return lookups_++ < kLookupsPerSecondMax;
}

void EventActivity::LookUp(const Lookup& lookup) {
  const ProcessOrigin origin = read_origin_(lookup.pid);
  if (!origin.is_known) return;
  const MutexLock lock(mutex_);
  ProcessTable::Slot* slot = processes_.Find(lookup.pid);
  // Its row may have gone to another process meanwhile.
  if (slot != nullptr && slot->life == lookup.life) Apply(slot->row, origin);
}

// What the process did so far, it did as what it was.
void EventActivity::Apply(ProcessRow& row, const ProcessOrigin& origin) {
  row.is_starting = false;
  const bool is_other_process = row.origin.start_ticks != 0 &&
                                row.origin.start_ticks != origin.start_ticks;
  const bool is_other_program = !row.origin.executable.empty() &&
                                !(row.origin.executable == origin.executable);
  if (is_other_process || is_other_program) {
    FoldProgram(row, programs_, unknown_programs_);
    row.in_window = Counts();
  }
  if (is_other_process) {  // The pid was used again.
    const MonotonicTime looked_up_at = row.looked_up_at;
    row.Clear();
    row.looked_up_at = looked_up_at;
  }
  row.origin = origin;
}

// --- Asking -----------------------------------------------------------------

ActivityWindow EventActivity::Restart() {
  const MutexLock lock(mutex_);
  files_.Clear();
  programs_.Clear();
  unknown_programs_ = Counts();
  for (size_t i = 0; i < processes_.size(); ++i) {
    processes_.slot(i).row.in_window = Counts();
  }
  const int64_t before_us = window_.begin_us;
  window_ = ActivityWindow();
  window_.begin = MonotonicClock::now();
  // It names the window: two never have the same.
  window_.begin_us = std::max(
      before_us + 1, std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count());
  return window_;
}

ActivityWindow EventActivity::window() const {
  const MutexLock lock(mutex_);
  return window_;
}

template <class Table, class Copy>
void EventActivity::ForEachRow(Table EventActivity::*table, Copy copy) {
  for (size_t begin = 0;; begin += kRowsPerLock) {
    const MutexLock lock(mutex_);
    const Table& rows = this->*table;
    const size_t end = std::min(begin + kRowsPerLock, rows.size());
    for (size_t i = begin; i < end; ++i) copy(rows.slot(i));
    if (end == rows.size()) return;
  }
}

std::vector<EventActivity::ProcessSnapshot> EventActivity::CopyProcesses() {
  std::vector<ProcessSnapshot> copies;
  copies.reserve(kProcessesMax);  // So that no lock is held for an allocation.
  ForEachRow(&EventActivity::processes_,
             [&copies](const ProcessTable::Slot& slot) {
               copies.push_back({slot.key, slot.missed_max, false, slot.row});
             });
  for (ProcessSnapshot& copy : copies) {
    const ProcessOrigin now = read_origin_(copy.pid);
    ProcessOrigin& then = copy.row.origin;
    copy.is_active = now.is_known && (then.start_ticks == 0 ||
                                      then.start_ticks == now.start_ticks);
    if (copy.is_active) then = now;
  }
  return copies;
}

std::vector<ProcessActivity> EventActivity::Processes() {
  std::vector<ProcessActivity> processes;
  for (const ProcessSnapshot& copy : CopyProcesses()) {
    ProcessActivity process;
    process.pid = copy.pid;
    process.start_ticks = copy.row.origin.start_ticks;
    process.name = NameOf(copy.row.origin);
    process.executable = copy.row.origin.executable.view();
    process.auth_count = copy.row.counts.auth;
    process.notify_count = copy.row.counts.notify;
    process.files_scanned = copy.row.files_scanned;
    process.scan_ns = copy.row.scan_ns;
    process.missed_max = copy.missed_max;
    process.is_active = copy.is_active;
    processes.push_back(std::move(process));
  }
  return processes;
}

SourceActivity EventActivity::ActivityOf(std::string_view path,
                                         const Counts& counts,
                                         uint64_t missed_max) {
  return {std::string(path), counts.auth, counts.notify, counts.pids.estimate(),
          missed_max};
}

std::vector<SourceActivity> EventActivity::Files() {
  std::vector<SourceActivity> files;
  ForEachRow(&EventActivity::files_, [&files](const auto& slot) {
    files.push_back(
        ActivityOf(slot.row.path.view(), slot.row.counts, slot.missed_max));
  });
  return files;
}

std::vector<SourceActivity> EventActivity::Programs() {
  struct Sum {
    Counts counts;
    uint64_t missed_max = 0;
  };
  std::map<std::string, Sum, std::less<>> sums;
  // A process whose row goes between the two is in neither copy, or in both:
  // a blur of one process, not of a program.
  ForEachRow(&EventActivity::programs_, [&sums](const auto& slot) {
    Sum& sum = sums[std::string(slot.row.path.view())];
    sum.counts.Add(slot.row.counts);
    sum.missed_max += slot.missed_max;
  });
  for (const ProcessSnapshot& copy : CopyProcesses()) {
    if (copy.row.in_window.sum() == 0) continue;
    sums[std::string(copy.row.origin.executable.view())].counts.Add(
        copy.row.in_window);
  }
  {
    const MutexLock lock(mutex_);
    if (unknown_programs_.sum() != 0) sums[""].counts.Add(unknown_programs_);
  }
  std::vector<SourceActivity> programs;
  for (const auto& [path, sum] : sums) {
    programs.push_back(ActivityOf(path, sum.counts, sum.missed_max));
  }
  return programs;
}

}  // namespace gatehouse
