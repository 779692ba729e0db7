// Protection: whether real-time protection is on, by what subsystem, and if
// not, why not.
//
// Thread-safe. Owns the EndpointSecurity client. What Parts refers to must
// outlive it.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/protected_paths.h"
#include "daemon/shared_state.h"
#include "engine/verdict_cache.h"
#include "es_adapter/adapter.h"
#include "es_linux.h"

namespace gatehouse {

// What ProtectionState says while nothing protects.
inline constexpr const char* kNoSubsystem = "unavailable";
inline constexpr const char* kNoProvider = "no active event provider";

struct ProtectionState {
  bool is_available = false;
  // "fanotify", "fanotify_notify_only", "unavailable": docs/health.md.
  std::string subsystem;
  std::vector<std::string> issues;  // Why it is not what was asked for.
};

class Protection {
 public:
  struct Parts {
    const DaemonOptions& options;
    SharedState& shared;
    esl_journal_t* journal = nullptr;
    Adapter& adapter;
    VerdictCache& verdicts;
    LogWriter& log;
    StartedPrograms& starts;
    int unsafe_trace_fd = -1;  // Where to record; -1: not.
  };
  explicit Protection(const Parts& parts) : parts_(parts) {}
  // REQUIRES: Close was called if Open was.
  ~Protection() = default;
  Protection(const Protection&) = delete;
  Protection& operator=(const Protection&) = delete;

  // Opens the client; events that a predecessor left are delivered from now
  // on. Without it the daemon goes on, and state() says so.
  void Open(bool own_fault);
  // Opens it if that failed so far. What the system said: NOT_ENTITLED if the
  // kernel can observe, but hold nobody.
  es_new_client_result_t Connect();

  // What we may do: hold opens and program starts, or only observe what was
  // written. Observing at first. Changes the marks if protection is enabled;
  // what cannot be marked is logged, and state() tells.
  void SetHolding(bool is_holding);
  // The same, for another reason not to hold anybody: both must be content.
  void SetDegraded(bool is_degraded);

  // Marks what --protect names, unless it is marked already: marks outlive
  // workers. Errors name the path.
  Result<bool> Enable();
  // Looks again at what is mounted: marks what is new, and learns what is not
  // there any more.
  void Refresh();
  // The same, if nobody says that anything has changed: marks what the kernel
  // does not list as marked, and leaves the rest in peace.
  void LookAgain();
  // Takes the marks away. What has been read is judged.
  void Disable();

  // False if the reader of events or its timer hangs; see esl_is_responding.
  // Does not block. For the thread that calls Close.
  bool IsResponding();

  // Records events to the open file `fd`, which is duplicated. For one thread
  // at a time, until Close; blocks for no more than a write. Errors:
  // kOperational (nothing is held or observed by fanotify, or --record says
  // where to record already, or the file cannot be written).
  Result<bool> StartRecording(int fd);
  // Ends that, and tells what was recorded. REQUIRES: StartRecording succeeded.
  esl_recording_t StopRecording();
  // Of whatever is recorded now, or was last. Thread-safe until Close.
  [[nodiscard]] esl_recording_t recording() const;

  // True if there is something to protect and no fanotify to do it with.
  [[nodiscard]] bool NeedsFallback() const;
  // The mount points of ours to protect, as they are now.
  [[nodiscard]] std::vector<std::string> FindMountPoints() const;
  // What is mounted and not protected, and why, as it is now; without what the
  // kernel makes up. Asks no file system anything.
  [[nodiscard]] std::vector<std::string> LeftOut() const;

  // Derived now: from the kernel's list of marks, not from what we did.
  [[nodiscard]] ProtectionState state() const;

  // No more events.
  void StopEvents();
  // Closes the connection. REQUIRES: nobody holds a message any more.
  void Close();

 private:
  [[nodiscard]] ProtectedPaths Find() const;
  es_new_client_result_t Create(bool own_fault) GATEHOUSE_REQUIRES(mutex_);
  void ChangeHolding() GATEHOUSE_EXCLUDES(mutex_);
  void Record() GATEHOUSE_REQUIRES(mutex_);
  Result<bool> Mark(const ProtectedPaths& found) GATEHOUSE_REQUIRES(mutex_);
  Result<bool> MarkAll(const ProtectedPaths& found) GATEHOUSE_REQUIRES(mutex_);
  int MarkOne(const ChosenFileSystem& file_system) GATEHOUSE_REQUIRES(mutex_);
  void MarkAgain(const ProtectedPaths& found) GATEHOUSE_REQUIRES(mutex_);
  void Learn(const ProtectedPaths& found) GATEHOUSE_REQUIRES(mutex_);
  [[nodiscard]] std::set<std::string> MarkedDevices() const
      GATEHOUSE_REQUIRES(mutex_);
  Result<bool> Subscribe() GATEHOUSE_REQUIRES(mutex_);
  void WatchStarts() GATEHOUSE_REQUIRES(mutex_);
  uint32_t ReadyWord() const GATEHOUSE_REQUIRES(mutex_);
  void LogChanges(const ProtectedPaths& found,
                  std::map<std::string, int> marked) GATEHOUSE_REQUIRES(mutex_);

  const Parts parts_;
  mutable Mutex mutex_;
  es_client_t* client_ GATEHOUSE_GUARDED_BY(mutex_) = nullptr;
  // The same, for those that must not wait for a slow disk, or make others
  // wait for one: the heart-beat and a recording.
  std::atomic<es_client_t*> unlocked_client_{nullptr};
  bool is_enabled_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  bool may_hold_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  bool is_degraded_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  bool is_holding_ GATEHOUSE_GUARDED_BY(mutex_) = false;  // Follows from both.
  // The kernel tells what is started. True before it was asked.
  bool sees_starts_ GATEHOUSE_GUARDED_BY(mutex_) = true;
  // Paths that could not be protected when we last looked.
  std::vector<Error> missing_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<std::string> limits_ GATEHOUSE_GUARDED_BY(mutex_);
  // What the kernel would not mark when we last tried, by device.
  std::map<std::string, LeftOutFileSystem> unmarkable_
      GATEHOUSE_GUARDED_BY(mutex_);
  // What was logged last: mount points and the errno of their marks.
  std::map<std::string, int> marked_ GATEHOUSE_GUARDED_BY(mutex_);
  std::set<std::string> left_out_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
