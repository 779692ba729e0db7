#include "daemon/system_extension.h"

#include <chrono>
#include <utility>

#include "base/thread_name.h"
#include "base/time.h"
#include "daemon/extension_approval.h"

namespace gatehouse {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Often enough for an attempt each second.
constexpr milliseconds kPeriod{500};

}  // namespace

SystemExtension::SystemExtension(const Parts& parts)
    : parts_(parts),
      approval_(MonotonicClock::now(), parts.options.approval_window) {}

void SystemExtension::Start(const DaemonConfig& config) {
  {
    const MutexLock lock(mutex_);
    managed_ = config.extension_approved;
    // The minute begins when somebody could answer.
    approval_ = Approval(MonotonicClock::now(), parts_.options.approval_window);
  }
  Step(Attempts::kWhenDue);
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void SystemExtension::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void SystemExtension::Run(const std::stop_token& stop) {
  SetThreadName("gh-approval");
  UseOrdinaryPriority();
  std::unique_lock<std::mutex> lock(wait_mutex_);
  while (!stop.stop_requested()) {
    (void)wait_.wait_for(lock, stop, kPeriod, [] { return false; });
    if (stop.stop_requested()) return;
    Step(Attempts::kWhenDue);
    if (parts_.on_tick) parts_.on_tick();
  }
}

// Attempts if it is time, and tells protection what it may do.
void SystemExtension::Step(Attempts attempts) {
  const MutexLock step_lock(step_mutex_);
  bool is_due = attempts == Attempts::kNow;
  {
    const MutexLock lock(mutex_);
    is_due = is_due || approval_.AttemptIsDue(MonotonicClock::now());
  }
  const es_new_client_result_t result =
      is_due ? Attempt() : ES_NEW_CLIENT_RESULT_SUCCESS;
  ApprovalState state = ApprovalState::kAwaiting;
  {
    const MutexLock lock(mutex_);
    const MonotonicTime now = MonotonicClock::now();
    if (is_due) {
      approval_.OnAttempt(result, now);
    } else {
      approval_.OnTime(now);
    }
    state = approval_.state();
  }
  parts_.protection.SetHolding(state == ApprovalState::kActive);
  Announce(state);
}

void SystemExtension::Announce(ApprovalState state) {
  if (announced_ == state) return;
  announced_ = state;
  if (state == ApprovalState::kActive) {
    parts_.log.Log(Severity::kInfo, "system extension active", {});
    return;
  }
  std::string reason;
  {
    const MutexLock lock(mutex_);
    reason = Reason();
  }
  parts_.log.Log(Severity::kWarning, "system extension not active",
                 {{"state", ApprovalStateWord(state)}, {"reason", reason}});
}

es_new_client_result_t SystemExtension::Attempt() {
  std::optional<bool> managed;
  {
    const MutexLock lock(mutex_);
    managed = managed_;
  }
  Result<bool> approved =
      managed ? *managed : ReadApproval(parts_.options.state_directory);
  // Whatever the word is: without the right to, no approval helps.
  const es_new_client_result_t connected = parts_.protection.Connect();
  const MutexLock lock(mutex_);
  is_approved_ = approved && *approved;
  problem_ = approved ? "" : approved.error().message;
  if (connected != ES_NEW_CLIENT_RESULT_SUCCESS) return connected;
  return is_approved_ ? connected : ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED;
}

Result<bool> SystemExtension::Approve(bool is_approved) {
  {
    const MutexLock lock(mutex_);
    if (managed_) {
      return Fail(ErrorCode::kNotPermitted,
                  "the approval is managed by the configuration file");
    }
  }
  {
    const MutexLock step_lock(step_mutex_);
    const Result<bool> written =
        WriteApproval(parts_.options.state_directory, is_approved);
    if (!written) return written;
    const MutexLock lock(mutex_);
    is_approved_ = is_approved;
  }
  Step(Attempts::kNow);
  return true;
}

std::string SystemExtension::Reason() const {
  if (approval_.state() == ApprovalState::kActive) return {};
  switch (approval_.result()) {
    case ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED:
      return "fanotify needs CAP_SYS_ADMIN, which the daemon lacks";
    case ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS:
      return "the kernel's limit of fanotify groups is reached";
    case ES_NEW_CLIENT_RESULT_ERR_INTERNAL:
    case ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT:
      return "fanotify cannot be used here";
    case ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED:
      return "the kernel cannot hold opens";
    case ES_NEW_CLIENT_RESULT_SUCCESS:
    case ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED:
      break;
  }
  if (!problem_.empty()) return problem_;
  if (managed_) return "the configuration file does not approve it";
  if (approval_.state() == ApprovalState::kAwaiting) {
    return "not approved yet: mdatp system-extension approve";
  }
  return is_approved_ ? "approved too late: it takes effect at the next start"
                      : "not approved in time: approve it and start again";
}

SystemExtensionState SystemExtension::state() const {
  const MutexLock lock(mutex_);
  SystemExtensionState state;
  state.state = approval_.state();
  state.is_approved = is_approved_;
  state.is_managed = managed_.has_value();
  state.reason = Reason();
  // Rounded up: the last moment is not nothing.
  state.seconds_left =
      duration_cast<seconds>(approval_.Left(MonotonicClock::now()) +
                             seconds(1) - std::chrono::nanoseconds(1))
          .count();
  return state;
}

}  // namespace gatehouse
