#include "es_adapter/linux/message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <span>

#include "base/unique_fd.h"
#include "es_adapter/linux/event_backend.h"
#include "es_adapter/linux/process_facts.h"

namespace gatehouse {
namespace {

constexpr uint32_t kMessageVersion = 4;
constexpr size_t kTokenPid = 5;  // In audit_token_t::val.
// In es_event_exec_t::reserved, after what Apple has put there: where the
// arguments are. Null for an event that has none.
constexpr size_t kArgumentsOffset = 48;
constexpr int32_t kOpenForReading = 1;  // FREAD
constexpr int32_t kOpenForWriting = 2;  // FWRITE

es_string_token_t Token(const char* text, size_t length) {
  return es_string_token_t{length, text};
}

void FillNobody(es_process_t& process, es_file_t& executable,
                std::span<char> path, pid_t pid) {
  process = {};
  process.audit_token.val[kTokenPid] = static_cast<unsigned int>(pid);
  process.signing_id = Token("", 0);
  process.team_id = Token("", 0);
  process.executable = &executable;
  process.responsible_audit_token = process.audit_token;
  executable = {};
  path.front() = '\0';
  executable.path = Token(path.data(), 0);
}

void FillNobody(Message& message, pid_t pid) {
  FillNobody(message.process, message.executable, message.executable_path, pid);
  message.working_directory = {};
  message.working_directory_path.front() = '\0';
  message.working_directory.path =
      Token(message.working_directory_path.data(), 0);
  message.has_process = false;
}

}  // namespace

void FillHeader(Message& message, es_event_type_t type, pid_t pid,
                int64_t now_ns) {
  es_message_t& es = message.es;
  es = {};
  // A union: the assignment need not clear what its first member lacks.
  std::memset(&es.event, 0, sizeof(es.event));
  es.version = kMessageVersion;
  (void)::clock_gettime(CLOCK_REALTIME, &es.time);
  es.mach_time = static_cast<uint64_t>(now_ns);
  es.process = &message.process;
  es.event_type = type;
  es.action_type = ES_ACTION_TYPE_NOTIFY;
  es.action.notify.result_type = ES_RESULT_TYPE_AUTH;
  es.action.notify.result.auth = ES_AUTH_RESULT_ALLOW;
  FillNobody(message, pid);
}

void FillProcessFacts(es_process_t& process, es_file_t& executable,
                      std::span<char> path, pid_t pid) {
  FillNobody(process, executable, path, pid);
  const ProcessFacts facts = ReadProcessFacts(pid);
  process.audit_token = facts.token;
  process.ppid = facts.parent_pid;
  process.original_ppid = facts.parent_pid;
  process.group_id = facts.group_id;
  process.session_id = facts.session_id;
  process.start_time = facts.start_time;
  process.responsible_audit_token = facts.token;
  std::array<char, 64> link = {};
  (void)std::snprintf(link.data(), link.size(), "/proc/%d/exe", pid);
  FillPath(executable, path, link.data());
  (void)::stat(link.data(), &executable.stat);  // Else zero.
}

void FillArguments(MessageParts& parts, pid_t pid) {
  constexpr size_t kStepBytes = 4096;
  std::vector<char>& text = parts.argument_text;
  std::array<char, 64> path = {};
  (void)std::snprintf(path.data(), path.size(), "/proc/%d/cmdline", pid);
  const UniqueFd fd(::open(path.data(), O_RDONLY | O_CLOEXEC));
  size_t length = 0;
  while (fd.valid() && length < kArgumentBytesMax) {
    if (text.size() < length + kStepBytes) text.resize(length + kStepBytes);
    const ssize_t got =
        ::read(fd.UnsafeFd(), text.data() + length,
               std::min(text.size(), kArgumentBytesMax) - length);
    if (got <= 0) break;
    length += static_cast<size_t>(got);
  }
  if (text.size() <= length) text.resize(length + 1);
  text[length] = '\0';  // If it was cut.
  std::string_view rest(text.data(), length);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    parts.arguments.push_back(TokenOf(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void FillExec(Message& message) {
  es_event_exec_t& exec = message.es.event.exec;
  message.exec_target = message.process;
  message.exec_target.executable = &message.target;
  exec.target = &message.exec_target;
  exec.dyld_exec_path = Token("", 0);
  exec.cwd = &message.working_directory;
  exec.last_fd = -1;
  if (message.parts == nullptr) return;
  const MessageParts* parts = message.parts.get();
  std::memcpy(&exec.reserved[kArgumentsOffset], &parts, sizeof(parts));
}

const std::vector<es_string_token_t>* ArgumentsOf(const es_event_exec_t& exec) {
  const MessageParts* parts = nullptr;
  std::memcpy(&parts, &exec.reserved[kArgumentsOffset], sizeof(parts));
  return parts == nullptr ? nullptr : &parts->arguments;
}

void FillPath(es_file_t& file, std::span<char> buffer, const char* link) {
  const size_t length = ReadLink(link, buffer);
  file.path = Token(buffer.data(), length);
  file.path_truncated = length == buffer.size() - 1;
}

const Message& Message::Of(const es_message_t* es) {
  // Standard layout, first member: the addresses are the same.
  return *reinterpret_cast<const Message*>(es);
}

void FillMessage(Message& message, const fanotify_event_metadata& raw,
                 es_event_type_t type, const MessageNumbers& numbers,
                 esl_detail_t detail, EventBackend& backend) {
  FillHeader(message, type, raw.pid, backend.Now());
  message.fd = raw.fd;
  message.deadline_ns.store(numbers.deadline_ns);
  es_message_t& es = message.es;
  es.deadline = static_cast<uint64_t>(numbers.deadline_ns);
  es.seq_num = numbers.of_type;
  es.global_seq_num = numbers.global;
  backend.FillTarget(message);
  if (detail == ESL_DETAIL_FULL) {
    backend.FillTargetPath(message);
    backend.FillProcess(message);
  }
  if (type == ES_EVENT_TYPE_NOTIFY_CLOSE) {
    // Else it is a start: see esl_report_starts.
    es.event.close.modified = (raw.mask & FAN_CLOSE_WRITE) != 0;
    es.event.close.target = &message.target;
    return;
  }
  es.action_type = ES_ACTION_TYPE_AUTH;
  message.had_writer = detail != ESL_DETAIL_FULL || backend.HasWriter(raw.fd);
  if (type == ES_EVENT_TYPE_AUTH_EXEC) {
    FillExec(message);
    return;
  }
  // The kernel does not say how the file is being opened.
  es.event.open.fflag =
      message.had_writer ? kOpenForReading | kOpenForWriting : kOpenForReading;
  es.event.open.file = &message.target;
}

}  // namespace gatehouse
