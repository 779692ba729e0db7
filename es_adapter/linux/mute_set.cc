#include "es_adapter/linux/mute_set.h"

#include <algorithm>

#include "es_adapter/linux/event_table.h"

namespace gatehouse {
namespace {

constexpr size_t kPid = 5;         // In audit_token_t::val.
constexpr size_t kPidVersion = 7;  // Changes when the pid is used again.

bool IsSameProcess(const audit_token_t& a, const audit_token_t& b) {
  return a.val[kPid] == b.val[kPid] && a.val[kPidVersion] == b.val[kPidVersion];
}

bool IsTarget(es_mute_path_type_t type) {
  return type == ES_MUTE_PATH_TYPE_TARGET_PREFIX ||
         type == ES_MUTE_PATH_TYPE_TARGET_LITERAL;
}

}  // namespace

void MuteSet::Mute(const audit_token_t& process, const EventSet& events) {
  const MutexLock lock(mutex_);
  const auto known = std::find_if(
      processes_.begin(), processes_.end(),
      [&](const auto& one) { return IsSameProcess(one.process, process); });
  if (known != processes_.end()) {
    known->events |= events;
  } else {
    processes_.push_back({process, events});
  }
  UpdateNeeds();
}

void MuteSet::Unmute(const audit_token_t& process, const EventSet& events) {
  const MutexLock lock(mutex_);
  for (MutedProcess& one : processes_) {
    if (IsSameProcess(one.process, process)) one.events &= ~events;
  }
  std::erase_if(processes_, [](const auto& one) { return one.events.none(); });
  UpdateNeeds();
}

void MuteSet::Mute(es_mute_path_type_t type, std::string_view path,
                   const EventSet& events) {
  const MutexLock lock(mutex_);
  const auto known = std::find_if(
      paths_.begin(), paths_.end(),
      [&](const auto& one) { return one.type == type && one.path == path; });
  if (known != paths_.end()) {
    known->events |= events;
  } else {
    paths_.push_back({type, std::string(path), events});
  }
  UpdateNeeds();
}

void MuteSet::Unmute(es_mute_path_type_t type, std::string_view path,
                     const EventSet& events) {
  const MutexLock lock(mutex_);
  for (MutedPath& one : paths_) {
    if (one.type == type && one.path == path) one.events &= ~events;
  }
  std::erase_if(paths_, [](const auto& one) { return one.events.none(); });
  UpdateNeeds();
}

void MuteSet::UnmuteAllPaths() {
  const MutexLock lock(mutex_);
  std::erase_if(paths_, [](const auto& one) { return !IsTarget(one.type); });
  UpdateNeeds();
}

void MuteSet::UnmuteAllTargetPaths() {
  const MutexLock lock(mutex_);
  std::erase_if(paths_, [](const auto& one) { return IsTarget(one.type); });
  UpdateNeeds();
}

void MuteSet::Invert(es_mute_inversion_type_t kind) {
  const MutexLock lock(mutex_);
  inverted_.at(kind) = !inverted_.at(kind);
  UpdateNeeds();
}

bool MuteSet::is_inverted(es_mute_inversion_type_t kind) const {
  const MutexLock lock(mutex_);
  return inverted_.at(kind);
}

std::vector<MuteSet::MutedProcess> MuteSet::processes() const {
  const MutexLock lock(mutex_);
  return processes_;
}

std::vector<MuteSet::MutedPath> MuteSet::paths() const {
  const MutexLock lock(mutex_);
  return paths_;
}

void MuteSet::UpdateNeeds() {
  const auto targets =
      std::count_if(paths_.begin(), paths_.end(),
                    [](const auto& one) { return IsTarget(one.type); });
  const auto executables = std::ssize(paths_) - targets;
  needs_.at(ES_MUTE_INVERSION_TYPE_PROCESS) =
      !processes_.empty() || inverted_.at(ES_MUTE_INVERSION_TYPE_PROCESS);
  needs_.at(ES_MUTE_INVERSION_TYPE_PATH) =
      executables != 0 || inverted_.at(ES_MUTE_INVERSION_TYPE_PATH);
  needs_.at(ES_MUTE_INVERSION_TYPE_TARGET_PATH) =
      targets != 0 || inverted_.at(ES_MUTE_INVERSION_TYPE_TARGET_PATH);
}

bool MuteSet::needs_process() const {
  return needs_.at(ES_MUTE_INVERSION_TYPE_PROCESS).load();
}

bool MuteSet::needs_executable() const {
  return needs_.at(ES_MUTE_INVERSION_TYPE_PATH).load();
}

bool MuteSet::needs_targets() const {
  return needs_.at(ES_MUTE_INVERSION_TYPE_TARGET_PATH).load();
}

bool MuteSet::Suppresses(const MuteSubject& subject) const {
  const MutexLock lock(mutex_);
  return SuppressesProcess(subject) || SuppressesExecutable(subject) ||
         SuppressesTargets(subject);
}

bool MuteSet::SuppressesProcess(const MuteSubject& subject) const {
  if (subject.process.val[kPid] == 0) return false;
  const bool muted =
      std::any_of(processes_.begin(), processes_.end(), [&](const auto& one) {
        return one.events.test(subject.type) &&
               IsSameProcess(one.process, subject.process);
      });
  return muted != inverted_.at(ES_MUTE_INVERSION_TYPE_PROCESS);
}

bool MuteSet::SuppressesExecutable(const MuteSubject& subject) const {
  if (subject.executable.empty()) return false;
  const bool muted =
      IsMuted(subject.type, subject.executable, ES_MUTE_PATH_TYPE_PREFIX,
              ES_MUTE_PATH_TYPE_LITERAL);
  return muted != inverted_.at(ES_MUTE_INVERSION_TYPE_PATH);
}

bool MuteSet::SuppressesTargets(const MuteSubject& subject) const {
  if (subject.target_count == 0 || !SupportsTargetPaths(subject.type)) {
    return false;
  }
  size_t muted = 0;
  for (size_t i = 0; i < subject.target_count; ++i) {
    const std::string_view path = subject.targets.at(i);
    if (path.empty()) return false;
    if (IsMuted(subject.type, path, ES_MUTE_PATH_TYPE_TARGET_PREFIX,
                ES_MUTE_PATH_TYPE_TARGET_LITERAL)) {
      ++muted;
    }
  }
  return inverted_.at(ES_MUTE_INVERSION_TYPE_TARGET_PATH)
             ? muted == 0
             : muted == subject.target_count;
}

bool MuteSet::IsMuted(es_event_type_t type, std::string_view path,
                      es_mute_path_type_t prefix,
                      es_mute_path_type_t literal) const {
  return std::any_of(paths_.begin(), paths_.end(), [&](const auto& one) {
    if (!one.events.test(type)) return false;
    return one.type == literal
               ? path == one.path
               : one.type == prefix && path.starts_with(one.path);
  });
}

}  // namespace gatehouse
