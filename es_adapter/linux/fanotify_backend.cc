#include "es_adapter/linux/fanotify_backend.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdio>

#include "base/unique_fd.h"
#include "base/writer_probe.h"
#include "es_adapter/linux/fanotify_group.h"
#include "es_adapter/linux/message.h"

namespace gatehouse {
namespace {

es_new_client_result_t ClientResult(int error_number) {
  switch (error_number) {
    case EPERM:
      return ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED;
    case EMFILE:
      return ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS;
    default:
      return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
  }
}

using ProcLink = std::array<char, 64>;

ProcLink LinkOf(pid_t pid, const char* name) {
  ProcLink link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/%d/%s", pid, name);
  return link;
}

}  // namespace

es_new_client_result_t FanotifyBackend::Open() {
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    if (journal_.group_fd(kind) >= 0) continue;  // Adopted.
    OpenedGroup group = OpenGroup(kind);
    if (!group.fd.valid()) return ClientResult(group.error_number);
    journal_.group_fds.at(static_cast<size_t>(kind)).store(group.fd.Release());
  }
  return ES_NEW_CLIENT_RESULT_SUCCESS;
}

void FanotifyBackend::Close() {
  for (std::atomic<int>& fd : journal_.group_fds) {
    const UniqueFd closing(fd.exchange(-1));
  }
}

void FanotifyBackend::Prepare() {
  // While there is time: later, somebody waits.
  own_mounts_.Open();
}

std::unique_ptr<NotifySources> FanotifyBackend::MakeSources() {
  auto sources = std::make_unique<NotifySources>(journal_);
  sources_ = sources.get();
  return sources;
}

int FanotifyBackend::Mark(GroupKind kind, int directory, uint64_t mask) {
  return MarkFileSystem(journal_.group_fd(kind), directory, mask);
}

void FanotifyBackend::RemoveAllMarks(GroupKind kind) {
  (void)gatehouse::RemoveAllMarks(journal_.group_fd(kind));
}

GroupSet FanotifyBackend::Wait(const GroupSet& wanted, int wake_fd) {
  // poll skips negative descriptors: a full table leaves its events with the
  // kernel until a slot is free.
  std::array<pollfd, kGroupCount + kSourceCount + 1> waits = {};
  waits.fill({-1, 0, 0});
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    const auto index = static_cast<size_t>(kind);
    waits.at(index) = {wanted.at(index) ? journal_.group_fd(kind) : -1, POLLIN,
                       0};
  }
  const std::span sources =
      std::span(waits).subspan<kGroupCount, kSourceCount>();
  const bool has_sources = sources_ != nullptr;
  if (has_sources) sources_->FillWaits(sources);
  waits.back() = {wake_fd, POLLIN, 0};
  (void)::poll(waits.data(), waits.size(),
               has_sources && sources_->HasMore() ? 0 : -1);
  if (waits.back().revents != 0) {
    uint64_t wakes = 0;
    (void)!::read(wake_fd, &wakes, sizeof(wakes));
  }
  return {waits[0].revents != 0, waits[1].revents != 0};
}

ssize_t FanotifyBackend::Read(GroupKind kind,
                              std::span<fanotify_event_metadata> events) {
  const ssize_t bytes =
      ::read(journal_.group_fd(kind), events.data(), events.size_bytes());
  if (bytes <= 0) return bytes < 0 ? -errno : 0;
  assert(events.front().event_len == sizeof(fanotify_event_metadata));
  assert(events.front().vers == FANOTIFY_METADATA_VERSION);
  return bytes / static_cast<ssize_t>(sizeof(fanotify_event_metadata));
}

void FanotifyBackend::Answer(GroupKind kind, int fd, bool allow,
                             AnswerSource /*source*/) {
  (void)AnswerEvent(journal_.group_fd(kind), fd, allow, journal_.counters);
}

void FanotifyBackend::IgnoreOpens(int fd) {
  gatehouse::IgnoreOpens(journal_.group_fd(GroupKind::kPermission), fd);
}

void FanotifyBackend::StopIgnoring(int fd) {
  gatehouse::StopIgnoring(journal_.group_fd(GroupKind::kPermission), fd);
}

void FanotifyBackend::StopIgnoringAll() {
  gatehouse::StopIgnoringAll(journal_.group_fd(GroupKind::kPermission));
}

void FanotifyBackend::FillTargetPath(Message& message) {
  if (message.fd < 0 || message.target.path.length != 0) return;
  ProcLink link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", message.fd);
  FillPath(message.target, message.target_path, link.data());
}

void FanotifyBackend::FillTarget(Message& message) {
  message.target_path.front() = '\0';
  message.target.path = {0, message.target_path.data()};
  message.target.path_truncated = false;
  message.target.stat = {};
  (void)::fstat(message.fd, &message.target.stat);  // Else zero: unknown.
}

void FanotifyBackend::FillProcess(Message& message) {
  const pid_t pid = audit_token_to_pid(message.process.audit_token);
  if (message.has_process || pid == 0) return;
  FillProcessFacts(message.process, message.executable, message.executable_path,
                   pid);
  message.has_process = true;
  if (message.es.event_type != ES_EVENT_TYPE_AUTH_EXEC &&
      message.es.event_type != ES_EVENT_TYPE_NOTIFY_EXEC) {
    return;
  }
  const ProcLink link = LinkOf(pid, "cwd");
  FillPath(message.working_directory, message.working_directory_path,
           link.data());
  (void)::stat(link.data(), &message.working_directory.stat);  // Else zero.
}

bool FanotifyBackend::IsTargetBelieved(const Message& message) {
  return own_mounts_.Contains(OwnMounts::MountOf(message.fd));
}

bool FanotifyBackend::IsExecutableBelieved(const Message& message) {
  const ProcLink link =
      LinkOf(audit_token_to_pid(message.process.audit_token), "exe");
  return own_mounts_.Contains(OwnMounts::MountOf(link.data()));
}

bool FanotifyBackend::HasWriter(int fd) const {
  return gatehouse::HasWriter(fd);
}

int64_t FanotifyBackend::Now() const { return JournalNow(); }

}  // namespace gatehouse
