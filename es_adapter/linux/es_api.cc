// The C functions of ESClient.h and of the client part of es_linux.h: argument
// checks here, behaviour in client.cc.
#include <EndpointSecurity/EndpointSecurity.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "es_adapter/linux/block.h"
#include "es_adapter/linux/client.h"
#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/fanotify_backend.h"
#include "es_adapter/linux/message.h"
#include "es_adapter/linux/replay_backend.h"
#include "es_linux.h"

namespace {

using gatehouse::Client;
using gatehouse::Message;

constexpr uint32_t kPrivateJournalEvents = 4096;
constexpr uint32_t kDeadlineMillisecondsMax = 10'000;
constexpr int64_t kNsPerMillisecond = 1'000'000;
// The log daemons of Debian's systems: our own lines may wait for them.
constexpr const char* kMutedByDefault[] = {
    "/usr/lib/systemd/systemd-journald", "/usr/sbin/rsyslogd",
    "/usr/sbin/syslog-ng", "/usr/sbin/syslogd", "/usr/sbin/auditd"};

es_respond_result_t CheckRespond(const es_client_t* client,
                                 const es_message_t* message, bool with_flags) {
  if (client == nullptr || message == nullptr) {
    return ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT;
  }
  if (Message::Of(message).client != client->client) {
    return ES_RESPOND_RESULT_NOT_FOUND;
  }
  const bool wants_flags = message->event_type == ES_EVENT_TYPE_AUTH_OPEN;
  if (message->action_type != ES_ACTION_TYPE_AUTH ||
      wants_flags != with_flags) {
    return ES_RESPOND_RESULT_ERR_EVENT_TYPE;
  }
  return ES_RESPOND_RESULT_SUCCESS;
}

es_new_client_result_t NewClient(
    es_client_t** client, esl_journal_t& journal,
    std::unique_ptr<gatehouse::EventBackend> backend, bool own_fault,
    Client::Handler handler) {
  auto handle = std::make_unique<es_client_s>();
  es_new_client_result_t result = ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
  // The handler may run, and want the handle, before Open returns.
  *client = handle.get();
  handler.handle = handle.get();
  handle->client =
      Client::Create(journal, std::move(backend), handler, own_fault, &result);
  if (handle->client == nullptr) {
    *client = nullptr;
    return result;
  }
  handle->client->Start();
  (void)handle.release();  // Owned by the caller until es_delete_client.
  return result;
}

}  // namespace

extern "C" {

es_new_client_result_t es_new_client_f(es_client_t** client, void* context,
                                       es_handler_function_t handler) {
  if (client == nullptr || handler == nullptr) {
    return ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT;
  }
  esl_journal_t* journal = esl_journal_create(kPrivateJournalEvents);
  if (journal == nullptr) return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
  const es_new_client_result_t result =
      esl_new_client_adopting(client, journal, false, context, handler);
  if (result != ES_NEW_CLIENT_RESULT_SUCCESS) return result;
  gatehouse::EventSet opens;
  opens.set(ES_EVENT_TYPE_AUTH_OPEN);
  for (const char* path : kMutedByDefault) {
    (*client)->client->mutes().Mute(ES_MUTE_PATH_TYPE_LITERAL, path, opens);
  }
  return result;
}

es_new_client_result_t esl_new_client_adopting(es_client_t** client,
                                               esl_journal_t* journal,
                                               bool own_fault, void* context,
                                               es_handler_function_t handler) {
  if (client == nullptr || journal == nullptr || handler == nullptr) {
    return ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT;
  }
  return NewClient(client, *journal,
                   std::make_unique<gatehouse::FanotifyBackend>(*journal),
                   own_fault, {nullptr, context, handler});
}

es_new_client_result_t esl_new_replay_client(es_client_t** client,
                                             esl_journal_t* journal,
                                             esl_replay_t* replay,
                                             void* context,
                                             es_handler_function_t handler) {
  if (client == nullptr || journal == nullptr || replay == nullptr ||
      handler == nullptr || replay->options.trace == nullptr) {
    return ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT;
  }
  auto backend = std::make_unique<gatehouse::ReplayBackend>(
      *journal, replay->options, replay->results);
  replay->backend = backend.get();
  return NewClient(client, *journal, std::move(backend), false,
                   {nullptr, context, handler});
}

void esl_replay_step(es_client_t* client) { client->client->Step(); }

void esl_replay_answer_overdue(es_client_t* client) {
  (void)client->client->AnswerOverdue();
}

es_return_t es_delete_client(es_client_t* client) {
  if (client == nullptr) return ES_RETURN_ERROR;
  const std::unique_ptr<es_client_s> handle(client);
  handle->client->Delete();
  gatehouse::ReleaseBlock(handle->block);
  return ES_RETURN_SUCCESS;
}

es_return_t es_subscribe(es_client_t* client, const es_event_type_t* events,
                         uint32_t event_count) {
  if (client == nullptr || events == nullptr || event_count == 0) {
    return ES_RETURN_ERROR;
  }
  return client->client->Subscribe(std::span(events, event_count))
             ? ES_RETURN_SUCCESS
             : ES_RETURN_ERROR;
}

es_return_t es_unsubscribe(es_client_t* client, const es_event_type_t* events,
                           uint32_t event_count) {
  if (client == nullptr || events == nullptr || event_count == 0) {
    return ES_RETURN_ERROR;
  }
  return client->client->Unsubscribe(std::span(events, event_count))
             ? ES_RETURN_SUCCESS
             : ES_RETURN_ERROR;
}

es_return_t es_unsubscribe_all(es_client_t* client) {
  if (client == nullptr) return ES_RETURN_ERROR;
  std::vector<es_event_type_t> all;
  for (const gatehouse::KnownEvent& event : gatehouse::KnownEvents()) {
    all.push_back(event.type);
  }
  return client->client->Unsubscribe(all) ? ES_RETURN_SUCCESS : ES_RETURN_ERROR;
}

es_return_t es_subscriptions(es_client_t* client, size_t* count,
                             es_event_type_t** subscriptions) {
  if (client == nullptr || count == nullptr || subscriptions == nullptr) {
    return ES_RETURN_ERROR;
  }
  const std::span known = gatehouse::KnownEvents();
  auto* list = static_cast<es_event_type_t*>(
      // The interface demands it: the caller frees it with free().
      std::calloc(known.size(), sizeof(es_event_type_t)));
  if (list == nullptr) return ES_RETURN_ERROR;
  *count = 0;
  for (const gatehouse::KnownEvent& event : known) {
    if ((client->client->subscriptions() & event.subscription) != 0) {
      list[(*count)++] = event.type;
    }
  }
  *subscriptions = list;
  return ES_RETURN_SUCCESS;
}

es_respond_result_t es_respond_auth_result(es_client_t* client,
                                           const es_message_t* message,
                                           es_auth_result_t result,
                                           bool cache) {
  const es_respond_result_t check = CheckRespond(client, message, false);
  if (check != ES_RESPOND_RESULT_SUCCESS) return check;
  const uint32_t flags = result == ES_AUTH_RESULT_ALLOW ? UINT32_MAX : 0;
  return client->client->Respond(Message::Of(message), flags, cache);
}

es_respond_result_t es_respond_flags_result(es_client_t* client,
                                            const es_message_t* message,
                                            uint32_t authorized_flags,
                                            bool cache) {
  const es_respond_result_t check = CheckRespond(client, message, true);
  if (check != ES_RESPOND_RESULT_SUCCESS) return check;
  return client->client->Respond(Message::Of(message), authorized_flags, cache);
}

es_clear_cache_result_t es_clear_cache(es_client_t* client) {
  if (client == nullptr) return ES_CLEAR_CACHE_RESULT_ERR_INTERNAL;
  if (!client->client->answers().TryClear(client->client->Now())) {
    return ES_CLEAR_CACHE_RESULT_ERR_THROTTLE;
  }
  client->client->StopIgnoringAll();
  return ES_CLEAR_CACHE_RESULT_SUCCESS;
}

es_return_t es_sync_client_f(es_client_t* client, void* context,
                             void (*function)(void* context)) {
  if (client == nullptr || function == nullptr) return ES_RETURN_ERROR;
  client->client->Sync(context, function);
  return ES_RETURN_SUCCESS;
}

void es_retain_message(const es_message_t* message) {
  Client::Retain(Message::Of(message));
}

void es_release_message(const es_message_t* message) {
  const Message& held = Message::Of(message);
  held.client->Release(held);
}

es_message_t* es_copy_message(const es_message_t* message) {
  if (message == nullptr) return nullptr;
  es_retain_message(message);
  // Apple's signature; the message is as read-only as before.
  return const_cast<es_message_t*>(message);
}

void es_free_message(es_message_t* message) {
  if (message != nullptr) es_release_message(message);
}

size_t es_message_size(const es_message_t* message) {
  return message == nullptr ? 0 : sizeof(es_message_t);
}

int esl_message_fd(const es_message_t* message) {
  return Message::Of(message).fd;
}

const esl_mount_t* esl_message_mount(const es_message_t* message) {
  const bool has_mount = message->event_type == ES_EVENT_TYPE_NOTIFY_MOUNT ||
                         message->event_type == ES_EVENT_TYPE_NOTIFY_UNMOUNT;
  return has_mount ? &Message::Of(message).parts->mount : nullptr;
}

uint32_t* esl_message_scan_mark(const es_message_t* message) {
  const Message& held = Message::Of(message);
  return held.parts != nullptr ? &held.parts->scan_mark
                               : &held.client->SlotOf(held).scan_mark;
}

uint32_t esl_message_strikes(const es_message_t* message) {
  const Message& held = Message::Of(message);
  if (held.parts != nullptr) return 0;
  return held.client->SlotOf(held).strikes.load();
}

bool esl_message_is_answered(const es_message_t* message) {
  return Message::Of(message).answered_by_predecessor;
}

int esl_watch_file_system(es_client_t* client, const char* path) {
  if (client == nullptr || path == nullptr) return EINVAL;
  return client->client->Watch(path);
}

int esl_watch_open_file_system(es_client_t* client, int directory,
                               const char* path) {
  if (client == nullptr || directory < 0 || path == nullptr) return EINVAL;
  return client->client->WatchOpen(directory, path);
}

void esl_report_starts(es_client_t* client, bool reports) {
  client->client->ReportStarts(reports);
}

void esl_unwatch_all(es_client_t* client) {
  if (client != nullptr) client->client->UnwatchAll();
}

int esl_record_start(es_client_t* client, int fd, const char* program) {
  if (client == nullptr || program == nullptr) return EINVAL;
  gatehouse::Client& self = *client->client;
  return self.recorder().Start(fd, program, self.Now(),
                               self.WallNow() / 1'000'000);
}

int esl_record_stop(es_client_t* client) {
  return client == nullptr ? EINVAL : client->client->recorder().Stop();
}

void esl_record_status(const es_client_t* client, esl_recording_t* recording) {
  *recording = {};
  if (client != nullptr) *recording = client->client->recorder().status();
}

void esl_set_detail(es_client_t* client, esl_detail_t detail) {
  client->client->SetDetail(detail);
}

esl_journal_t* esl_client_journal(const es_client_t* client) {
  return client == nullptr ? nullptr : &client->client->journal();
}

bool esl_is_responding(es_client_t* client) {
  return client != nullptr && client->client->IsResponding();
}

int esl_set_deadline_milliseconds(es_client_t* client, uint32_t milliseconds) {
  if (client == nullptr || milliseconds == 0 ||
      milliseconds > kDeadlineMillisecondsMax) {
    return EINVAL;
  }
  for (const es_event_type_t type :
       {ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_EXEC}) {
    client->client->DeadlineOf(type)->store(milliseconds * kNsPerMillisecond);
  }
  return 0;
}

void esl_message_fail_closed(const es_message_t* message) {
  Message::Of(message).fails_closed.store(true);
}

void esl_message_expect_open(const es_message_t* message) {
  const Message& held = Message::Of(message);
  held.client->ExpectOpen(held);
}

void esl_message_fill_path(const es_message_t* message) {
  Message::Of(message).client->FillTargetPath(Message::Of(message));
}

const es_file_t* esl_message_believed_target(const es_message_t* message) {
  return Message::Of(message).client->BelievedTarget(Message::Of(message));
}

const es_file_t* esl_message_believed_executable(const es_message_t* message) {
  return Message::Of(message).client->BelievedExecutable(Message::Of(message));
}

bool esl_message_has_writer(const es_message_t* message) {
  return Message::Of(message).client->HasWriter(Message::Of(message));
}

void esl_message_ignore_until_modified(const es_message_t* message) {
  Message::Of(message).client->IgnoreOpens(Message::Of(message));
}

esl_support_t esl_event_support(es_event_type_t event) {
  const gatehouse::KnownEvent* known = gatehouse::FindKnownEvent(event);
  return known == nullptr ? ESL_SUPPORT_NONE : known->support;
}

}  // extern "C"
