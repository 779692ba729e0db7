#include "daemon/protection.h"

#include <array>
#include <thread>

namespace gatehouse {
namespace {

constexpr const char* kNoProvider = "no active event provider";

}  // namespace

Result<bool> Protection::Open(bool own_fault) {
  const MutexLock lock(mutex_);
  if (parts_.options.protect.empty()) return false;
  // The supervisor has it for a moment when it answers for nobody.
  JournalOwner expected = JournalOwner::kNobody;
  while (!parts_.shared.journal_owner.compare_exchange_weak(
      expected, JournalOwner::kWorker)) {
    expected = JournalOwner::kNobody;
    std::this_thread::yield();
  }
  const es_new_client_result_t result =
      esl_new_client_adopting(&client_, parts_.journal, own_fault,
                              &parts_.adapter, Adapter::HandleMessage);
  switch (result) {
    case ES_NEW_CLIENT_RESULT_SUCCESS:
      esl_set_detail(client_, ESL_DETAIL_FILE);
      return true;
    case ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED:
      refused_ = "fanotify needs CAP_SYS_ADMIN, which the daemon lacks";
      parts_.log.Log(Severity::kError, "no real-time protection",
                     {{"reason", refused_}});
      return false;
    case ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS:
      return Fail(ErrorCode::kLimitExceeded,
                  "the kernel's limit of fanotify groups is reached");
    case ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT:
    case ES_NEW_CLIENT_RESULT_ERR_INTERNAL:
    case ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED:
    case ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED:
      break;
  }
  return Fail(ErrorCode::kOperational, "fanotify cannot be used here");
}

Result<bool> Protection::Enable() {
  const MutexLock lock(mutex_);
  is_enabled_ = true;
  if (client_ == nullptr) return false;
  // The first worker marks; a successor looks up nothing: something else may
  // be mounted at the path by then.
  if (parts_.shared.protection_ready.load() != 0) return true;
  Result<bool> marked = Mark();
  if (!marked) {
    (void)es_unsubscribe_all(client_);
    esl_unwatch_all(client_);
    is_enabled_ = false;
  }
  return marked;
}

Result<bool> Protection::Mark() {
  const Result<ProtectedPaths> found = FindProtectedPaths(
      parts_.options.protect, parts_.options.allow_root_file_system);
  if (!found) return Unexpected(found.error());
  for (const std::string& left_out : found->left_out) {
    parts_.log.Log(Severity::kWarning, "not protected, its server may hang",
                   {{"file_system", left_out}});
  }
  constexpr std::array kEvents = {ES_EVENT_TYPE_AUTH_OPEN,
                                  ES_EVENT_TYPE_NOTIFY_CLOSE};
  if (es_subscribe(client_, kEvents.data(), kEvents.size()) !=
      ES_RETURN_SUCCESS) {
    return Fail(ErrorCode::kNotSupported, "cannot subscribe to opens");
  }
  for (const ProtectedFileSystem& file_system : found->file_systems) {
    Result<bool> watched = Watch(file_system);
    if (!watched) return watched;
  }
  esl_marks_t marks = {};
  esl_journal_marks(parts_.journal, &marks);
  parts_.shared.marks_wanted.store(marks.permission);
  parts_.shared.protection_ready.store(1);
  return true;
}

// What is mounted below a protected path and cannot be asked for permission
// (/proc, for one) is left out; what was named must be protected.
Result<bool> Protection::Watch(const ProtectedFileSystem& file_system) {
  const int error_number =
      esl_watch_file_system(client_, file_system.mount_point.c_str());
  if (error_number == 0) {
    parts_.log.Log(Severity::kInfo, "protecting",
                   {{"path", file_system.mount_point}});
    return true;
  }
  const Error error = SystemError(
      "protect '" + file_system.mount_point + "' (" + file_system.type + ")",
      error_number);
  if (file_system.is_named) return Unexpected(error);
  parts_.log.Log(Severity::kWarning, "not protected",
                 {{"error", error.message}});
  return true;
}

void Protection::Disable() {
  const MutexLock lock(mutex_);
  is_enabled_ = false;
  parts_.shared.protection_ready.store(0);
  parts_.shared.marks_wanted.store(0);
  if (client_ == nullptr) return;
  esl_unwatch_all(client_);
  (void)es_unsubscribe_all(client_);
}

ProtectionState Protection::state() const {
  const MutexLock lock(mutex_);
  ProtectionState state;
  esl_marks_t marks = {};
  esl_journal_marks(parts_.journal, &marks);
  const bool has_reader = client_ != nullptr;
  if (has_reader && marks.permission != 0) {
    state.subsystem = "fanotify";
  } else if (has_reader && marks.notification != 0) {
    state.subsystem = "fanotify_notify_only";
  } else {
    state.subsystem = "unavailable";
  }
  state.is_available = has_reader && marks.permission != 0;
  if (!is_enabled_) return state;
  if (!state.is_available) state.issues.emplace_back(kNoProvider);
  if (!refused_.empty()) state.issues.push_back(refused_);
  if (parts_.options.protect.empty()) {
    state.issues.emplace_back("no file system is protected: see --protect");
  }
  const uint32_t wanted = parts_.shared.marks_wanted.load();
  if (has_reader && marks.permission < wanted) {
    state.issues.push_back(std::to_string(wanted - marks.permission) + " of " +
                           std::to_string(wanted) +
                           " protected file systems are not there any more");
  }
  return state;
}

void Protection::StopEvents() {
  const MutexLock lock(mutex_);
  if (client_ != nullptr) (void)es_unsubscribe_all(client_);
}

void Protection::Close() {
  const MutexLock lock(mutex_);
  if (client_ != nullptr) (void)es_delete_client(client_);
  client_ = nullptr;
}

}  // namespace gatehouse
