// SystemExtension: asks for the approval to hold what programs do, once a
// second, and tells protection what it may do. See es_adapter/approval.h.
//
// Thread-safe. Owns its thread. Protection must outlive it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/protection.h"
#include "es_adapter/approval.h"

namespace gatehouse {

struct SystemExtensionState {
  ApprovalState state = ApprovalState::kAwaiting;
  bool is_approved = false;  // The administrator's word now.
  bool is_managed = false;   // By the configuration file.
  std::string reason;        // Why it is not active; empty if it is.
  int64_t seconds_left = 0;  // Of the minute; 0 when nobody waits.
};

class SystemExtension {
 public:
  struct Parts {
    const DaemonOptions& options;
    Protection& protection;
    LogWriter& log;
    // Called twice a second on our thread, after each step; may be empty.
    std::function<void()> on_tick;
  };
  explicit SystemExtension(const Parts& parts);
  ~SystemExtension() = default;
  SystemExtension(const SystemExtension&) = delete;
  SystemExtension& operator=(const SystemExtension&) = delete;

  // The first attempt, at once; those that follow come from our thread.
  void Start(const DaemonConfig& config);
  void Stop();

  // Remembers, durably, and tries at once. What has fallen back stays so until
  // the next start. Errors: kNotPermitted when it is managed; those of
  // WriteApproval.
  Result<bool> Approve(bool is_approved);

  [[nodiscard]] SystemExtensionState state() const;

 private:
  enum class Attempts : uint8_t { kWhenDue, kNow };

  void Run(const std::stop_token& stop);
  void Step(Attempts attempts) GATEHOUSE_EXCLUDES(step_mutex_, mutex_);
  es_new_client_result_t Attempt() GATEHOUSE_REQUIRES(step_mutex_);
  void Announce(ApprovalState state) GATEHOUSE_REQUIRES(step_mutex_);
  std::string Reason() const GATEHOUSE_REQUIRES(mutex_);

  const Parts parts_;
  // One step at a time; a disk may be slow in it. Taken before mutex_, which is
  // never held for long: health asks.
  Mutex step_mutex_;
  std::optional<ApprovalState> announced_ GATEHOUSE_GUARDED_BY(step_mutex_);
  mutable Mutex mutex_;
  Approval approval_ GATEHOUSE_GUARDED_BY(mutex_);
  std::optional<bool> managed_ GATEHOUSE_GUARDED_BY(mutex_);
  bool is_approved_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  std::string problem_ GATEHOUSE_GUARDED_BY(mutex_);  // With the file.
  std::mutex wait_mutex_;
  std::condition_variable_any wait_;
  std::jthread thread_;
};

}  // namespace gatehouse
