// Remediator: isolates and records what was found, on threads of its own, so
// that nobody who waits for an answer ever waits for a disk.
//
// Takes hits from anywhere, one isolation per file at a time. A hit keeps its
// event, and with it the file and its slot in the journal, until it has been
// dealt with: if this process dies before, the successor judges it anew.
//
// Thread-safe. Owns its threads. What Parts refers to must outlive it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "engine/active_signatures.h"
#include "engine/deny_list.h"
#include "engine/file_event.h"
#include "quarantine/isolator.h"
#include "quarantine/other_names.h"
#include "quarantine/recovery.h"
#include "quarantine/threat.h"
#include "quarantine/threat_store.h"

namespace gatehouse {

// May live in shared memory.
struct RemediatorStatistics {
  std::atomic<uint64_t> hits{0};              // Taken.
  std::atomic<uint64_t> hits_again{0};        // Of files already in work.
  std::atomic<uint64_t> hits_refused{0};      // No room; the file is in place.
  std::atomic<uint64_t> isolated_in_time{0};  // Within the event's deadline.
  std::atomic<uint64_t> isolated_late{0};
  std::atomic<uint64_t> isolated_after_close{0};  // Without a deadline.
  std::atomic<uint64_t> left_alone{0};     // By a rule; recorded and no more.
  std::atomic<uint64_t> not_isolated{0};   // Blocked, failed, or gone.
  std::atomic<uint64_t> recovered{0};      // Left unfinished by a dead process.
  std::atomic<uint64_t> record_errors{0};  // The store refused.
  // Now: taken and not dealt with, left unfinished by a dead process, and one
  // as long as the recovery runs.
  std::atomic<uint64_t> pending{0};
  std::atomic<uint64_t> captured{0};  // Now: waiting for other users.
};

// A malicious file that must go.
struct Detection {
  FileEvent event;  // Its file is open.
  std::string threat_name;
  std::string scan_id;  // The on-demand scan that found it, if one did.
  // When its name should be gone.
  MonotonicTime isolate_by = kNever;
  // Of a file that was closed, for which nobody waits: when. Then there is no
  // deadline.
  std::optional<MonotonicTime> closed_at;
  // By a rule (ThreatRules) it is only recorded, with this status.
  std::optional<StatusChange> leave_as;
  bool is_forced = false;  // It is isolated whatever the rules say.
  // Called once, on a thread of the remediator, with what was recorded. May be
  // empty. Must not throw.
  std::function<void(const Threat&)> done;
};

class Remediator {
 public:
  static constexpr size_t kPendingMax = 1024;
  static constexpr size_t kCapturedMax = 256;
  static constexpr size_t kThreads = 2;
  static constexpr std::chrono::minutes kIdlePeriod{10};

  struct Parts {
    Vault& vault;
    ThreatStore& store;
    DenyList& deny_list;
    RemediatorStatistics& statistics;
    // What was recorded, and what could not be; called on any thread of ours.
    std::function<void(const Threat&)> recorded;
    std::function<void(const Error&)> failed;
    // False: hits are recorded as blocked and left where they are.
    bool isolates = true;
    // Hits that wait at a time: each keeps a slot of the journal.
    size_t pending_max = kPendingMax;
    // What is left alone; null: nothing is.
    const ThreatRules* rules = nullptr;
    // Called by the first thread when it has nothing else to do, at least every
    // kIdlePeriod; true: there is more to do at once. May be empty.
    std::function<bool()> when_idle = {};
  };

  // Starts the threads, the first of which deals with `unfinished` before
  // anything else. `signatures` must outlive it. Errors: those of
  // Scanner::Create.
  static Result<std::unique_ptr<Remediator>> Start(
      const Parts& parts, const ActiveSignatures& signatures,
      std::vector<UnfinishedIsolation> unfinished);

  // Goes on until all that was taken is dealt with, for 3 s at most; what is
  // left then is in its place and recorded as blocked.
  ~Remediator();
  Remediator(const Remediator&) = delete;
  Remediator& operator=(const Remediator&) = delete;

  // Takes a hit. While there is no room it blocks with `may_wait`, else it
  // returns false: counted, the file in its place, `done` called with what is
  // not recorded. Denies the file meanwhile, unless it is to be left alone.
  bool Submit(Detection detection, bool may_wait);

  // Records what is in its place, and what became of it; `is_left_alone`: on
  // purpose. Does not call `done`. Blocks for a flush.
  Threat RecordInPlace(const Detection& detection, ThreatStatus status,
                       const std::string& why, bool is_left_alone = false);

  // Blocks until the unfinished isolations of Start are dealt with.
  void WaitForRecovery();

  // Isolated files that are denied by the names they have left.
  size_t other_names() const { return other_names_.size(); }

 private:
  using Key = std::pair<dev_t, ino_t>;
  struct Work {
    Detection detection;
    Key key;
    DenyList::Entry denied;
  };
  // Of hits on a file that is in work already.
  using Callbacks = std::vector<std::function<void(const Threat&)>>;
  struct Waiting {
    CapturedFile captured;
    Key key;
    MonotonicTime until;
  };

  Remediator(const Parts& parts, std::vector<UnfinishedIsolation> unfinished);
  void Run(Isolator& isolator, bool is_first);
  void Recover(Isolator& isolator);
  std::optional<Work> Take(std::chrono::milliseconds patience);
  void Deal(Isolator& isolator, Work work);
  Isolation Treat(Isolator& isolator, const Detection& detection);
  std::string KnownIdOf(int fd);
  bool IsKnownAndGone(const Isolation& isolation);
  bool Knows(const FileFacts& facts);
  Callbacks TakeCallbacks(const Key& key);
  Callbacks EndWork(const Key& key);
  void EndCaptured(const CapturedFile& captured, const Key& key);
  void Keep(Isolator& isolator, CapturedFile captured, const Key& key);
  void FinishCaptured(Isolator& isolator, bool is_last_call);
  // When an isolated file's name was gone: at most one of them.
  struct Timing {
    std::optional<bool> in_time;
    std::optional<uint64_t> after_ms;
  };
  static Timing TimingOf(const Detection& detection);
  Threat RecordIsolation(const Isolation& isolation, const Timing& timing);
  bool FinishOne(Isolator& isolator, CapturedFile& captured, bool is_last_call);
  static Key KeyOf(int fd);
  void LookForOtherNames(const Isolation& isolation, int fd);
  void Record(Threat& threat, const std::string& file_key);
  Isolation InPlace(const Detection& detection, ThreatStatus status,
                    const std::string& why);

  const Parts parts_;
  OtherNames other_names_;
  std::vector<UnfinishedIsolation> unfinished_;  // Of the first thread.
  Mutex mutex_;
  CondVar changed_;
  std::deque<Work> queue_ GATEHOUSE_GUARDED_BY(mutex_);
  // Queued, being isolated, or captured: one isolation per file at a time.
  std::map<Key, Callbacks> in_work_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<Waiting> captured_ GATEHOUSE_GUARDED_BY(mutex_);
  bool is_recovered_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  bool is_stopping_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  MonotonicTime stop_by_ GATEHOUSE_GUARDED_BY(mutex_) = kNever;
  std::vector<std::unique_ptr<Isolator>> isolators_;  // One per thread.
  std::vector<std::jthread> threads_;  // Last: they use the members above.
};

}  // namespace gatehouse
