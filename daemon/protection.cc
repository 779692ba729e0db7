#include "daemon/protection.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "daemon/mount_namespaces.h"

namespace gatehouse {
namespace {

// More than SelectionRules::file_systems_max, for those that are going.
constexpr size_t kMarksLookedAtMax = 4096;

// `error_number` says why; 0: nothing.
LeftOutFileSystem LeftOutOf(const ChosenFileSystem& file_system,
                            int error_number) {
  const MountPlace& place = file_system.places.front();
  return {
      place.pid,
      place.mount_point,
      file_system.type,
      file_system.device,
      LeftOutReason::kUnmarkable,
      error_number == 0 ? "" : std::generic_category().message(error_number)};
}

LeftOutFileSystem WithoutDetail(LeftOutFileSystem left_out) {
  left_out.detail.clear();
  return left_out;
}

}  // namespace

void Protection::Open(bool own_fault) {
  const MutexLock lock(mutex_);
  if (!parts_.options.protects()) return;
  // The supervisor has it for a moment when it answers for nobody.
  JournalOwner expected = JournalOwner::kNobody;
  while (!parts_.shared.journal_owner.compare_exchange_weak(
      expected, JournalOwner::kWorker)) {
    expected = JournalOwner::kNobody;
    std::this_thread::yield();
  }
  if (Create(own_fault) != ES_NEW_CLIENT_RESULT_SUCCESS) {
    parts_.log.Log(Severity::kError, "no real-time protection",
                   {{"reason", "no fanotify group could be opened"}});
  }
}

es_new_client_result_t Protection::Connect() {
  bool is_new = false;
  {
    const MutexLock lock(mutex_);
    if (!parts_.options.protects()) return ES_NEW_CLIENT_RESULT_SUCCESS;
    if (client_ == nullptr) {
      const es_new_client_result_t result = Create(false);
      if (result != ES_NEW_CLIENT_RESULT_SUCCESS) return result;
      is_new = true;
    }
  }
  if (is_new) Refresh();  // It was enabled before it could mark anything.
  return parts_.shared.kernel.fanotify.permission_events
             ? ES_NEW_CLIENT_RESULT_SUCCESS
             : ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED;
}

es_new_client_result_t Protection::Create(bool own_fault) {
  const es_new_client_result_t result =
      esl_new_client_adopting(&client_, parts_.journal, own_fault,
                              &parts_.adapter, Adapter::HandleMessage);
  if (result == ES_NEW_CLIENT_RESULT_SUCCESS) {
    esl_set_detail(client_, ESL_DETAIL_FILE);
    unlocked_client_.store(client_);
    Record();
  }
  return result;
}

void Protection::Record() {
  if (parts_.unsafe_trace_fd < 0) return;
  const int error_number = esl_record_start(client_, parts_.unsafe_trace_fd,
                                            "wdavdaemon " GATEHOUSE_VERSION);
  if (error_number == 0) {
    parts_.log.Log(Severity::kInfo, "recording",
                   {{"path", parts_.options.record_path}});
  } else {
    const Error error = SystemError(
        "record to '" + parts_.options.record_path + "'", error_number);
    parts_.log.Log(Severity::kError, "not recording",
                   {{"error", error.message}});
  }
}

ProtectedPaths Protection::Find() const {
  if (parts_.options.protect_all) {
    return FindAllFileSystems(parts_.options.allow_root_file_system);
  }
  return FindProtectedPaths(parts_.options.protect,
                            parts_.options.allow_root_file_system);
}

Result<bool> Protection::Enable() {
  // Not under the lock: health asks for it, and a disk may be slow.
  const ProtectedPaths found = Find();
  const MutexLock lock(mutex_);
  is_enabled_ = true;
  if (client_ == nullptr) return false;
  // Marks outlive workers. What changed meanwhile is the watch's to find.
  if (parts_.shared.protection_ready.load() == ReadyWord()) {
    WatchStarts();
    return true;
  }
  Result<bool> marked = true;
  if (!found.missing.empty()) marked = Unexpected(found.missing.front());
  if (marked) marked = Mark(found);
  if (marked) {
    parts_.shared.protection_ready.store(ReadyWord());
  } else {
    (void)es_unsubscribe_all(client_);
    esl_unwatch_all(client_);
    is_enabled_ = false;
  }
  return marked;
}

void Protection::Refresh() {
  const ProtectedPaths found = Find();
  const MutexLock lock(mutex_);
  Learn(found);
  if (client_ != nullptr && is_enabled_) MarkAgain(found);
}

void Protection::LookAgain() {
  const ProtectedPaths found = Find();
  const MutexLock lock(mutex_);
  Learn(found);
  if (client_ == nullptr || !is_enabled_) return;
  const std::set<std::string> marked = MarkedDevices();
  uint32_t there = 0;
  bool is_new = false;
  for (const ChosenFileSystem& file_system : found.file_systems) {
    const auto refused = unmarkable_.find(file_system.device);
    if (marked.contains(file_system.device)) {
      ++there;
    } else if (refused == unmarkable_.end() ||
               TextOf(LeftOutOf(file_system, 0)) !=
                   TextOf(WithoutDetail(refused->second))) {
      is_new = true;
    }
  }
  if (is_new) {
    MarkAgain(found);
  } else {
    parts_.shared.marks_wanted.store(there);
  }
}

void Protection::Learn(const ProtectedPaths& found) {
  missing_ = found.missing;
  limits_ = found.limits;
}

void Protection::MarkAgain(const ProtectedPaths& found) {
  const Result<bool> marked = Mark(found);
  if (marked) return;
  missing_.push_back(marked.error());
  parts_.log.Log(Severity::kError, "not protected",
                 {{"error", marked.error().message}});
}

// By the kernel's own list, as mountinfo writes them.
std::set<std::string> Protection::MarkedDevices() const {
  std::array<dev_t, kMarksLookedAtMax> devices = {};
  const size_t count = esl_journal_watched_devices(
      parts_.journal, is_holding_, devices.data(), devices.size());
  std::set<std::string> marked;
  for (const dev_t device : std::span(devices).first(count)) {
    marked.insert(std::to_string(major(device)) + ":" +
                  std::to_string(minor(device)));
  }
  return marked;
}

uint32_t Protection::ReadyWord() const {
  return is_holding_ ? kProtectionHolds : kProtectionObserves;
}

void Protection::SetHolding(bool is_holding) {
  {
    const MutexLock lock(mutex_);
    may_hold_ = is_holding;
  }
  ChangeHolding();
}

void Protection::SetDegraded(bool is_degraded) {
  {
    const MutexLock lock(mutex_);
    is_degraded_ = is_degraded;
  }
  ChangeHolding();
}

void Protection::ChangeHolding() {
  {
    const MutexLock lock(mutex_);
    const bool is_holding = may_hold_ && !is_degraded_;
    if (is_holding_ == is_holding) return;
    is_holding_ = is_holding;
    if (client_ == nullptr || !is_enabled_) return;
  }
  // Not under the lock: a disk may be slow.
  const ProtectedPaths found = Find();
  const MutexLock lock(mutex_);
  if (client_ == nullptr || !is_enabled_) return;
  const Result<bool> marked = Mark(found);
  if (marked) {
    parts_.shared.protection_ready.store(ReadyWord());
    return;
  }
  missing_.push_back(marked.error());
  parts_.log.Log(Severity::kError, "not protected",
                 {{"error", marked.error().message}});
}

Result<bool> Protection::Subscribe() {
  constexpr std::array kAll = {ES_EVENT_TYPE_AUTH_OPEN,
                               ES_EVENT_TYPE_AUTH_EXEC};
  // Without the second, a program start is held as an open.
  const std::span<const es_event_type_t> held_types(
      kAll.data(),
      parts_.shared.kernel.fanotify.exec_permission_events ? 2 : 1);
  // Who is not held is judged when he is started, too.
  esl_report_starts(client_, !is_holding_);
  constexpr std::array kObserved = {ES_EVENT_TYPE_NOTIFY_CLOSE};
  const es_return_t held =
      is_holding_ ? es_subscribe(client_, held_types.data(),
                                 static_cast<uint32_t>(held_types.size()))
                  : es_unsubscribe(client_, kAll.data(), kAll.size());
  if (held == ES_RETURN_SUCCESS &&
      es_subscribe(client_, kObserved.data(), kObserved.size()) ==
          ES_RETURN_SUCCESS) {
    WatchStarts();
    return true;
  }
  return Fail(ErrorCode::kNotSupported, "cannot subscribe to opens");
}

// A program in memory is on no file system that could be marked. Without this
// all else is protected as before, and health says so.
void Protection::WatchStarts() {
  if (!parts_.shared.kernel.fanotify.process_events) return;
  constexpr es_event_type_t kStarted = ES_EVENT_TYPE_NOTIFY_EXEC;
  const bool sees_starts =
      es_subscribe(client_, &kStarted, 1) == ES_RETURN_SUCCESS;
  if (sees_starts_ && !sees_starts) {
    parts_.log.Log(Severity::kError, "programs in memory are not seen",
                   {{"reason", "the process connector cannot be opened"}});
  }
  sees_starts_ = sees_starts;
  parts_.starts.SetWanted(sees_starts);
}

// Marking what is marked already changes nothing.
//
// What is known of files was true while every open for writing was seen. A file
// system that was not there, or not marked, may have changed since, and the
// number of its device may have meant another one: nothing of that is honoured
// once its first event can come, nor what scans in progress find out.
Result<bool> Protection::Mark(const ProtectedPaths& found) {
  parts_.verdicts.Clear();
  Result<bool> done = MarkAll(found);
  parts_.verdicts.Clear();
  return done;
}

Result<bool> Protection::MarkAll(const ProtectedPaths& found) {
  Result<bool> done = Subscribe();
  if (!done) return done;
  std::map<std::string, int> marked;
  unmarkable_.clear();
  for (const ChosenFileSystem& file_system : found.file_systems) {
    const std::string place = TextOf(file_system.places.front());
    const int error_number = MarkOne(file_system);
    marked[place] = error_number;
    if (error_number == 0) continue;
    unmarkable_[file_system.device] = LeftOutOf(file_system, error_number);
    // What is mounted below and cannot be asked for permission is left out;
    // what was named must be protected.
    if (file_system.is_named) {
      done = FailSystem("protect '" + place + "' (" + file_system.type + ")",
                        error_number);
    }
  }
  // Not what the kernel lists now: a file system that is going keeps its mark
  // for a while.
  parts_.shared.marks_wanted.store(static_cast<uint32_t>(
      std::count_if(marked.begin(), marked.end(),
                    [](const auto& one) { return one.second == 0; })));
  LogChanges(found, std::move(marked));
  return done;
}

// 0, or the errno value of the last place where it could be opened or not.
int Protection::MarkOne(const ChosenFileSystem& file_system) {
  int error_number = ENOENT;
  for (const MountPlace& place : file_system.places) {
    const OpenedPlace opened = OpenPlace(place);
    error_number = opened.error_number;
    if (!opened.directory.valid()) continue;
    const std::string path = place.pid == 0
                                 ? place.mount_point
                                 : "/proc/" + std::to_string(place.pid) +
                                       "/root" + place.mount_point;
    return esl_watch_open_file_system(client_, opened.directory.UnsafeFd(),
                                      path.c_str());
  }
  return error_number;
}

void Protection::LogChanges(const ProtectedPaths& found,
                            std::map<std::string, int> marked) {
  for (const auto& [path, error_number] : marked) {
    const auto before = marked_.find(path);
    if (before != marked_.end() && before->second == error_number) continue;
    if (error_number == 0) {
      parts_.log.Log(Severity::kInfo, "protecting", {{"path", path}});
    } else {
      const Error error = SystemError("protect '" + path + "'", error_number);
      parts_.log.Log(Severity::kWarning, "not protected",
                     {{"error", error.message}});
    }
  }
  for (const auto& [path, error_number] : marked_) {
    if (error_number != 0 || marked.contains(path)) continue;
    parts_.log.Log(Severity::kInfo, "unmounted", {{"path", path}});
  }
  marked_ = std::move(marked);
  std::set<std::string> left_out;
  for (const LeftOutFileSystem& one : found.left_out) {
    const std::string text = TextOf(one);
    if (!left_out_.contains(text)) {
      parts_.log.Log(Severity::kWarning, "not protected",
                     {{"file_system", text}});
    }
    left_out.insert(text);
  }
  left_out_ = std::move(left_out);
}

void Protection::Disable() {
  const MutexLock lock(mutex_);
  is_enabled_ = false;
  parts_.shared.protection_ready.store(kProtectionNone);
  parts_.shared.marks_wanted.store(0);
  parts_.starts.SetWanted(false);
  if (client_ == nullptr) return;
  esl_unwatch_all(client_);
  (void)es_unsubscribe_all(client_);
}

bool Protection::IsResponding() {
  es_client_t* client = unlocked_client_.load();
  return client == nullptr || esl_is_responding(client);
}

Result<bool> Protection::StartRecording(int fd) {
  es_client_t* client = unlocked_client_.load();
  if (client == nullptr) {
    return Fail(ErrorCode::kOperational,
                "record: there are no events, see mdatp health");
  }
  if (parts_.unsafe_trace_fd >= 0) {
    return Fail(ErrorCode::kOperational,
                "record: the daemon was started with --record and does so "
                "already");
  }
  const int error_number =
      esl_record_start(client, fd, "mdatp " GATEHOUSE_VERSION);
  if (error_number != 0) return FailSystem("record", error_number);
  return true;
}

esl_recording_t Protection::StopRecording() {
  // What had ended it before is in the status.
  (void)esl_record_stop(unlocked_client_.load());
  return recording();
}

esl_recording_t Protection::recording() const {
  esl_recording_t recording = {};
  esl_record_status(unlocked_client_.load(), &recording);
  return recording;
}

bool Protection::NeedsFallback() const {
  const MutexLock lock(mutex_);
  return is_enabled_ && client_ == nullptr && parts_.options.protects();
}

std::vector<std::string> Protection::FindMountPoints() const {
  std::vector<std::string> mount_points;
  for (ChosenFileSystem& file_system : Find().file_systems) {
    MountPlace& place = file_system.places.front();
    if (place.pid == 0) mount_points.push_back(std::move(place.mount_point));
  }
  return mount_points;
}

std::vector<std::string> Protection::LeftOut() const {
  std::vector<std::string> texts;
  const ProtectedPaths found = Find();
  for (const LeftOutFileSystem& one : found.left_out) {
    if (one.reason != LeftOutReason::kPseudo) texts.push_back(TextOf(one));
  }
  const MutexLock lock(mutex_);
  for (const ChosenFileSystem& one : found.file_systems) {
    const auto refused = unmarkable_.find(one.device);
    if (refused != unmarkable_.end()) texts.push_back(TextOf(refused->second));
  }
  texts.insert(texts.end(), found.limits.begin(), found.limits.end());
  return texts;
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
    state.subsystem = kNoSubsystem;
  }
  state.is_available = has_reader && marks.permission != 0;
  if (!is_enabled_) return state;
  if (!has_reader || (marks.permission == 0 && marks.notification == 0)) {
    state.issues.emplace_back(kNoProvider);
  }
  if (!parts_.options.protects()) {
    state.issues.emplace_back("no file system is protected: see --protect");
  }
  if (is_holding_ && !parts_.shared.kernel.fanotify.exec_permission_events) {
    state.issues.emplace_back(
        "the kernel cannot hold program starts: programs are judged as they "
        "are opened");
  }
  if (has_reader && !sees_starts_) {
    state.issues.emplace_back(
        "programs in memory are not seen: the kernel does not tell what is "
        "started");
  }
  for (const Error& missing : missing_) state.issues.push_back(missing.message);
  state.issues.insert(state.issues.end(), limits_.begin(), limits_.end());
  const uint32_t wanted = parts_.shared.marks_wanted.load();
  const uint32_t there = is_holding_ ? marks.permission : marks.notification;
  if (has_reader && there < wanted) {
    state.issues.push_back(std::to_string(wanted - there) + " of " +
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
  unlocked_client_.store(nullptr);
  if (client_ != nullptr) (void)es_delete_client(client_);
  client_ = nullptr;
}

}  // namespace gatehouse
