#include "es_adapter/linux/message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <cstdio>
#include <span>

#include "es_adapter/linux/fanotify_group.h"
#include "es_adapter/linux/process_facts.h"

namespace gatehouse {
namespace {

constexpr uint32_t kMessageVersion = 4;
constexpr int32_t kOpenForReading = 1;  // FREAD
constexpr int32_t kOpenForWriting = 2;  // FWRITE

es_string_token_t Token(const char* text, size_t length) {
  return es_string_token_t{length, text};
}

void FillPath(es_file_t& file, std::span<char> buffer, const char* link) {
  const size_t length = ReadLink(link, buffer);
  file.path = Token(buffer.data(), length);
  file.path_truncated = length == buffer.size() - 1;
}

void FillTarget(Message& message) {
  std::array<char, 64> link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", message.fd);
  FillPath(message.target, message.target_path, link.data());
  message.target.stat = {};
  (void)::fstat(message.fd, &message.target.stat);  // Else zero: unknown.
}

void FillProcess(Message& message, pid_t pid, esl_detail_t detail) {
  ProcessFacts facts;
  facts.token.val[5] = static_cast<unsigned int>(pid);
  if (detail == ESL_DETAIL_FULL) facts = ReadProcessFacts(pid);
  es_process_t& process = message.process;
  process = {};
  process.audit_token = facts.token;
  process.ppid = facts.parent_pid;
  process.original_ppid = facts.parent_pid;
  process.group_id = facts.group_id;
  process.session_id = facts.session_id;
  process.start_time = facts.start_time;
  process.signing_id = Token("", 0);
  process.team_id = Token("", 0);
  process.executable = &message.executable;
  process.responsible_audit_token = facts.token;
  message.executable = {};
  message.executable_path.front() = '\0';
  message.executable.path = Token(message.executable_path.data(), 0);
  if (pid == 0 || detail != ESL_DETAIL_FULL) return;
  std::array<char, 64> link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/%d/exe", pid);
  FillPath(message.executable, message.executable_path, link.data());
  (void)::stat(link.data(), &message.executable.stat);  // Else zero.
}

// The kernel does not say how the file is being opened. A read lease is
// refused while anybody, the opener included, has the file open for writing.
int32_t OpenFlags(int fd, esl_detail_t detail) {
  if (detail != ESL_DETAIL_FULL) return kOpenForReading | kOpenForWriting;
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
    (void)::fcntl(fd, F_SETLEASE, F_UNLCK);
    return kOpenForReading;
  }
  return kOpenForReading | kOpenForWriting;
}

}  // namespace

const Message& Message::Of(const es_message_t* es) {
  // Standard layout, first member: the addresses are the same.
  return *reinterpret_cast<const Message*>(es);
}

void FillMessage(Message& message, const fanotify_event_metadata& raw,
                 es_event_type_t type, const MessageNumbers& numbers,
                 esl_detail_t detail) {
  message.fd = raw.fd;
  es_message_t& es = message.es;
  es = {};
  es.version = kMessageVersion;
  (void)::clock_gettime(CLOCK_REALTIME, &es.time);
  es.mach_time = static_cast<uint64_t>(JournalNow());
  es.deadline = static_cast<uint64_t>(numbers.deadline_ns);
  es.process = &message.process;
  es.seq_num = numbers.of_type;
  es.global_seq_num = numbers.global;
  es.event_type = type;
  FillTarget(message);
  FillProcess(message, raw.pid, detail);
  if (type == ES_EVENT_TYPE_AUTH_OPEN) {
    es.action_type = ES_ACTION_TYPE_AUTH;
    es.event.open.fflag = OpenFlags(raw.fd, detail);
    es.event.open.file = &message.target;
  } else {
    es.action_type = ES_ACTION_TYPE_NOTIFY;
    es.action.notify.result_type = ES_RESULT_TYPE_AUTH;
    es.action.notify.result.auth = ES_AUTH_RESULT_ALLOW;
    es.event.close.modified = true;
    es.event.close.target = &message.target;
  }
}

}  // namespace gatehouse
