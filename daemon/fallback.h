// Fallback: what protects where fanotify cannot be used at all: inotify on the
// protected paths, and where that cannot watch all of them, a scan of them from
// time to time. Nobody is held; what is found is isolated.
//
// From inotify to the scan there is no way back before the next start; from
// either to fanotify as the approval says (docs/health.md).
//
// Thread-safe; Step and Stop are for one thread at a time. Owns its threads.
// The parts must outlive it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/protection.h"
#include "daemon/tree_watch.h"
#include "daemon/unheld_files.h"

namespace gatehouse {

struct FallbackState {
  // "inotify", "periodic_scan"; empty: nothing runs.
  std::string subsystem;
  std::string reason;  // Why it is not something better; may be empty.
};

// What health tells of both: a fallback that runs is the active subsystem, and
// an issue says so.
[[nodiscard]] ProtectionState WithFallback(ProtectionState protection,
                                           const FallbackState& fallback);

class Fallback {
 public:
  struct Parts {
    const DaemonOptions& options;
    UnheldFiles& files;
    TreeStatistics& statistics;
    LogWriter& log;
    // The mount points to protect, now.
    std::function<std::vector<std::string>()> find_roots;
  };
  explicit Fallback(const Parts& parts) : parts_(parts) {}
  ~Fallback() { Stop(); }
  Fallback(const Fallback&) = delete;
  Fallback& operator=(const Fallback&) = delete;

  // To be called about twice a second. `is_needed`: nothing better protects.
  void Step(bool is_needed);
  // Something was mounted or unmounted: the next step looks which.
  void OnMountChange() { mounts_changed_.store(true); }
  void Stop();

  // Derived now: of inotify, from the kernel's list of watches.
  [[nodiscard]] FallbackState state() const;

 private:
  enum class Mode : uint8_t { kNone, kInotify, kPeriodicScan };

  bool HasOtherRoots();
  void StartWatch();
  void StartScan(std::string reason);
  void EndWatch();
  void Enter(Mode mode, std::string reason);
  void RunScan(const std::stop_token& stop);
  void ScanOnce(const std::stop_token& stop);

  const Parts parts_;
  std::atomic<bool> mounts_changed_{false};
  std::vector<std::string> roots_;  // Of the watch. Of the stepping thread.
  mutable Mutex mutex_;
  Mode mode_ GATEHOUSE_GUARDED_BY(mutex_) = Mode::kNone;
  std::string reason_ GATEHOUSE_GUARDED_BY(mutex_);
  std::unique_ptr<TreeWatch> watch_ GATEHOUSE_GUARDED_BY(mutex_);
  int64_t last_scan_ms_ GATEHOUSE_GUARDED_BY(mutex_) =
      0;  // Wall clock; its end.
  std::mutex wait_mutex_;
  std::condition_variable_any wait_;
  std::jthread scan_;
};

}  // namespace gatehouse
