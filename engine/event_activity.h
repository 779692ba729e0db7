// EventActivity: which processes, programs and files cause the events of real
// time, and what their scans cost.
//
// A fixed number of rows of each: HeavyHitters says what that guarantees. What
// a process is called is looked up after the opens that it waits for have been
// answered, at most once per second and process and kLookupsPerSecondMax times
// per second in all.
//
// Thread-safe; a few hundred instructions under a lock that nobody holds
// while he scans, waits or looks something up. Allocates at construction, and
// when asked. Not in shared memory: its numbers begin with the worker.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "engine/file_event.h"
#include "engine/heavy_hitters.h"
#include "engine/path_text.h"
#include "engine/pid_count.h"
#include "engine/process_origin.h"

namespace gatehouse {

// What is counted of one event.
struct CountedEvent {
  FileEventKind kind = FileEventKind::kOpen;
  int32_t pid = 0;
  SourceKey file;
  // The path is `path`, or what `look_up_path` makes of `subject`: that costs
  // something and is done for a new row and now and then.
  std::string_view path;
  const void* subject = nullptr;
  std::string_view (*look_up_path)(const void* subject) = nullptr;
  bool was_scanned = false;
  std::chrono::nanoseconds scan_time{0};
  MonotonicTime now;
};

// Since counting began, or since the row was made: then at most `missed_max`
// events more.
struct ProcessActivity {
  int32_t pid = 0;
  uint64_t start_ticks = 0;  // 0: unknown.
  std::string name;          // Empty: unknown.
  std::string executable;    // Empty: unknown. Bytes, as all paths.
  uint64_t auth_count = 0;
  uint64_t notify_count = 0;
  uint64_t files_scanned = 0;
  uint64_t scan_ns = 0;
  uint64_t missed_max = 0;
  bool is_active = false;  // It lives now.
};

// Since the last Restart.
struct SourceActivity {
  std::string path;  // Of a file, or of a program; empty: unknown.
  uint64_t auth_count = 0;
  uint64_t notify_count = 0;
  uint64_t pid_count = 0;  // Different processes: see PidCount.
  uint64_t missed_max = 0;
};

struct ActivityWindow {
  int64_t begin_us = 0;  // Wall clock, since 1970; says which window it is.
  MonotonicTime begin;
  uint64_t total_events = 0;  // Whether they have a row or not.
};

class EventActivity {
 public:
  static constexpr size_t kProcessesMax = 512;
  static constexpr size_t kFilesMax = 512;
  static constexpr size_t kProgramsMax = 128;
  static constexpr uint64_t kLookupsPerSecondMax = 1000;
  using OriginReader = ProcessOrigin (*)(int32_t pid);

  explicit EventActivity(OriginReader read_origin = ReadProcessOrigin);
  EventActivity(const EventActivity&) = delete;
  EventActivity& operator=(const EventActivity&) = delete;

  // Counts nothing while it is not enabled.
  void Enable(bool is_enabled) { is_enabled_.store(is_enabled); }
  bool is_enabled() const { return is_enabled_.load(); }

  // For who has answered: may look up in /proc who asked.
  void Count(const CountedEvent& event);
  // For who must not wait: looks nothing up, and if somebody else counts just
  // now, the event is counted as unattributed.
  void TryCount(const CountedEvent& event);

  // Begins a new window for Files and Programs.
  ActivityWindow Restart();
  ActivityWindow window() const;

  // Copies, in no order: each row is of one moment, all of them are not. What
  // processes are called is looked up again.
  std::vector<ProcessActivity> Processes();
  std::vector<SourceActivity> Files();
  std::vector<SourceActivity> Programs();
  uint64_t unattributed() const { return unattributed_.load(); }

 private:
  struct Counts {
    uint64_t auth = 0;
    uint64_t notify = 0;
    PidCount pids;
    void Add(const CountedEvent& event, uint64_t pid_hash);
    void Add(const Counts& other);
    uint64_t sum() const { return auth + notify; }
  };
  struct ProcessRow {
    ProcessOrigin origin;
    // The path in `origin` is that of the program that is about to run.
    bool is_starting = false;
    MonotonicTime looked_up_at;
    Counts counts;
    Counts in_window;  // Of the present program, not yet with the programs.
    uint64_t files_scanned = 0;
    uint64_t scan_ns = 0;
    void Clear() { *this = ProcessRow(); }
  };
  struct SourceRow {
    PathText path;
    Counts counts;
    void Clear() {
      path.Clear();
      counts = Counts();
    }
  };
  struct HashNumber {
    uint64_t operator()(int32_t pid, uint64_t seed) const {
      return MixedHash(static_cast<uint64_t>(pid), seed);
    }
  };
  struct HashFile {
    uint64_t operator()(const SourceKey& key, uint64_t seed) const {
      return MixedHash(key.inode ^ MixedHash(key.device, seed), seed);
    }
  };
  struct HashPath {
    uint64_t operator()(const PathText& path, uint64_t seed) const;
  };
  using ProcessTable = HeavyHitters<int32_t, ProcessRow, HashNumber>;
  using ProgramTable = HeavyHitters<PathText, SourceRow, HashPath>;
  struct Lookup {
    bool is_due = false;
    int32_t pid = 0;
    uint64_t life = 0;
  };
  struct ProcessSnapshot {
    int32_t pid = 0;
    uint64_t missed_max = 0;
    bool is_active = false;
    ProcessRow row;
  };

  Lookup CountLocked(const CountedEvent& event) GATEHOUSE_REQUIRES(mutex_);
  void CountProcess(const CountedEvent& event, uint64_t pid_hash,
                    Lookup& lookup) GATEHOUSE_REQUIRES(mutex_);
  void CountFile(const CountedEvent& event, uint64_t pid_hash)
      GATEHOUSE_REQUIRES(mutex_);
  bool MayLookUp(MonotonicTime now) GATEHOUSE_REQUIRES(mutex_);
  static void FoldProgram(const ProcessRow& row, ProgramTable& programs,
                          Counts& unknown_programs);
  void Apply(ProcessRow& row, const ProcessOrigin& origin)
      GATEHOUSE_REQUIRES(mutex_);
  void LookUp(const Lookup& lookup);
  // Hands the rows of `table` to `copy`, some of them per lock.
  template <class Table, class Copy>
  void ForEachRow(Table EventActivity::*table, Copy copy);
  std::vector<ProcessSnapshot> CopyProcesses();
  static SourceActivity ActivityOf(std::string_view path, const Counts& counts,
                                   uint64_t missed_max);

  const OriginReader read_origin_;
  const uint64_t seed_;
  std::atomic<bool> is_enabled_{true};
  std::atomic<uint64_t> unattributed_{0};
  mutable Mutex mutex_;
  ProcessTable processes_ GATEHOUSE_GUARDED_BY(mutex_);
  HeavyHitters<SourceKey, SourceRow, HashFile> files_
      GATEHOUSE_GUARDED_BY(mutex_);
  ProgramTable programs_ GATEHOUSE_GUARDED_BY(mutex_);
  Counts unknown_programs_ GATEHOUSE_GUARDED_BY(mutex_);
  ActivityWindow window_ GATEHOUSE_GUARDED_BY(mutex_);
  MonotonicTime lookups_since_ GATEHOUSE_GUARDED_BY(mutex_);
  uint64_t lookups_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
};

}  // namespace gatehouse
