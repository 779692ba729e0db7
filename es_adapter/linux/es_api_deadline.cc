// The C functions of ESClient.h about deadlines, and about what a program that
// is started is given.
#include <EndpointSecurity/EndpointSecurity.h>

#include <span>

#include "es_adapter/linux/client.h"
#include "es_adapter/linux/message.h"

namespace {

constexpr int64_t kNsPerMillisecond = 1'000'000;

// 0 for an event that nobody waits for.
uint32_t DefaultMilliseconds(es_event_type_t event) {
  if (event == ES_EVENT_TYPE_AUTH_OPEN) {
    return gatehouse::kOpenDeadlineMilliseconds;
  }
  if (event == ES_EVENT_TYPE_AUTH_EXEC) {
    return gatehouse::kExecDeadlineMilliseconds;
  }
  return 0;
}

}  // namespace

extern "C" {

es_return_t es_set_deadline_miss_mode(es_client_t* client,
                                      es_deadline_miss_mode_t mode) {
  if (client == nullptr || mode > ES_DEADLINE_MISS_MODE_FAIL_CLOSED) {
    return ES_RETURN_ERROR;
  }
  client->client->SetMissMode(mode);
  return ES_RETURN_SUCCESS;
}

es_return_t es_get_deadline_miss_mode(es_client_t* client,
                                      es_deadline_miss_mode_t* mode) {
  if (client == nullptr || mode == nullptr) return ES_RETURN_ERROR;
  *mode = client->client->miss_mode();
  return ES_RETURN_SUCCESS;
}

es_return_t es_set_deadline_max_milliseconds(es_client_t* client,
                                             const es_event_type_t* events,
                                             uint32_t event_count,
                                             uint32_t milliseconds) {
  if (client == nullptr || events == nullptr || event_count == 0 ||
      milliseconds == 0) {
    return ES_RETURN_ERROR;
  }
  // All or nothing.
  for (const es_event_type_t event : std::span(events, event_count)) {
    if (milliseconds > DefaultMilliseconds(event)) return ES_RETURN_ERROR;
  }
  for (const es_event_type_t event : std::span(events, event_count)) {
    client->client->DeadlineOf(event)->store(milliseconds * kNsPerMillisecond);
  }
  return ES_RETURN_SUCCESS;
}

es_return_t es_get_deadline_max_milliseconds(es_client_t* client,
                                             es_event_type_t event,
                                             uint32_t* milliseconds) {
  if (client == nullptr || milliseconds == nullptr ||
      DefaultMilliseconds(event) == 0) {
    return ES_RETURN_ERROR;
  }
  *milliseconds = static_cast<uint32_t>(
      client->client->DeadlineOf(event)->load() / kNsPerMillisecond);
  return ES_RETURN_SUCCESS;
}

es_return_t es_set_deadline_min_milliseconds(es_client_t* /*client*/,
                                             const es_event_type_t* /*events*/,
                                             uint32_t /*event_count*/,
                                             uint32_t /*milliseconds*/) {
  return ES_RETURN_ERROR;
}

es_return_t es_get_deadline_min_milliseconds(es_client_t* /*client*/,
                                             es_event_type_t /*event*/,
                                             uint32_t* /*milliseconds*/) {
  return ES_RETURN_ERROR;
}

uint32_t es_exec_arg_count(const es_event_exec_t* event) {
  const auto* arguments = gatehouse::ArgumentsOf(*event);
  return arguments == nullptr ? 0 : static_cast<uint32_t>(arguments->size());
}

uint32_t es_exec_env_count(const es_event_exec_t* /*event*/) { return 0; }

uint32_t es_exec_fd_count(const es_event_exec_t* /*event*/) { return 0; }

es_string_token_t es_exec_arg(const es_event_exec_t* event, uint32_t index) {
  const auto* arguments = gatehouse::ArgumentsOf(*event);
  if (arguments == nullptr || index >= arguments->size()) return {0, ""};
  return (*arguments)[index];
}

es_string_token_t es_exec_env(const es_event_exec_t* /*event*/,
                              uint32_t /*index*/) {
  return {0, ""};
}

const es_fd_t* es_exec_fd(const es_event_exec_t* /*event*/,
                          uint32_t /*index*/) {
  return nullptr;
}

xpc_object_t es_exec_entitlements(const es_event_exec_t* /*event*/) {
  return nullptr;
}

}  // extern "C"
