#include "es_adapter/linux/message.h"

#include <time.h>

#include <cstdio>
#include <span>

#include "es_adapter/linux/event_backend.h"
#include "es_adapter/linux/process_facts.h"

namespace gatehouse {
namespace {

constexpr uint32_t kMessageVersion = 4;
constexpr size_t kTokenPid = 5;         // In audit_token_t::val.
constexpr int32_t kOpenForReading = 1;  // FREAD
constexpr int32_t kOpenForWriting = 2;  // FWRITE

es_string_token_t Token(const char* text, size_t length) {
  return es_string_token_t{length, text};
}

void FillNobody(Message& message, pid_t pid) {
  es_process_t& process = message.process;
  process = {};
  process.audit_token.val[kTokenPid] = static_cast<unsigned int>(pid);
  process.signing_id = Token("", 0);
  process.team_id = Token("", 0);
  process.executable = &message.executable;
  process.responsible_audit_token = process.audit_token;
  message.executable = {};
  message.executable_path.front() = '\0';
  message.executable.path = Token(message.executable_path.data(), 0);
  message.working_directory = {};
  message.working_directory_path.front() = '\0';
  message.working_directory.path =
      Token(message.working_directory_path.data(), 0);
  message.has_process = false;
}

void FillExec(Message& message) {
  es_event_exec_t& exec = message.es.event.exec;
  message.exec_target = message.process;
  message.exec_target.executable = &message.target;
  exec.target = &message.exec_target;
  exec.dyld_exec_path = Token("", 0);
  exec.cwd = &message.working_directory;
  exec.last_fd = -1;
}

}  // namespace

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
  message.fd = raw.fd;
  message.deadline_ns.store(numbers.deadline_ns);
  es_message_t& es = message.es;
  es = {};
  es.version = kMessageVersion;
  (void)::clock_gettime(CLOCK_REALTIME, &es.time);
  es.mach_time = static_cast<uint64_t>(backend.Now());
  es.deadline = static_cast<uint64_t>(numbers.deadline_ns);
  es.process = &message.process;
  es.seq_num = numbers.of_type;
  es.global_seq_num = numbers.global;
  es.event_type = type;
  backend.FillTarget(message);
  FillNobody(message, raw.pid);
  if (detail == ESL_DETAIL_FULL) backend.FillProcess(message);
  if (type == ES_EVENT_TYPE_NOTIFY_CLOSE) {
    es.action_type = ES_ACTION_TYPE_NOTIFY;
    es.action.notify.result_type = ES_RESULT_TYPE_AUTH;
    es.action.notify.result.auth = ES_AUTH_RESULT_ALLOW;
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
