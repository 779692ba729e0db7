// The C functions of ESClient.h about muting; behaviour in mute_set.cc.
#include <EndpointSecurity/EndpointSecurity.h>

#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "es_adapter/linux/client.h"
#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/mute_set.h"

namespace {

using gatehouse::EventSet;
using gatehouse::MuteSet;

EventSet AllEvents() { return EventSet().set(); }

// None if one of them is no event, or there is none.
EventSet EventsOf(const es_event_type_t* events, size_t count) {
  EventSet set;
  if (events == nullptr) return set;
  for (const es_event_type_t event : std::span(events, count)) {
    if (event >= ES_EVENT_TYPE_LAST) return {};
    set.set(event);
  }
  return set;
}

std::vector<es_event_type_t> ListOf(const EventSet& set) {
  std::vector<es_event_type_t> list;
  for (unsigned int i = 0; i < set.size(); ++i) {
    if (set.test(i)) list.push_back(static_cast<es_event_type_t>(i));
  }
  return list;
}

bool IsTarget(es_mute_path_type_t type) {
  return type == ES_MUTE_PATH_TYPE_TARGET_PREFIX ||
         type == ES_MUTE_PATH_TYPE_TARGET_LITERAL;
}

// What of `set` can be muted by paths of this type.
EventSet Applicable(es_mute_path_type_t type, EventSet set) {
  if (!IsTarget(type)) return set;
  for (unsigned int i = 0; i < set.size(); ++i) {
    if (!gatehouse::SupportsTargetPaths(static_cast<es_event_type_t>(i))) {
      set.reset(i);
    }
  }
  return set;
}

bool IsPathType(es_mute_path_type_t type) {
  return type <= ES_MUTE_PATH_TYPE_TARGET_LITERAL;
}

enum class Change { kMute, kUnmute };

es_return_t ChangeProcess(es_client_t* client, const audit_token_t* token,
                          const EventSet& events, Change change) {
  if (client == nullptr || token == nullptr || events.none()) {
    return ES_RETURN_ERROR;
  }
  MuteSet& mutes = client->client->mutes();
  change == Change::kMute ? mutes.Mute(*token, events)
                          : mutes.Unmute(*token, events);
  return ES_RETURN_SUCCESS;
}

es_return_t ChangePath(es_client_t* client, const char* path,
                       es_mute_path_type_t type, const EventSet& events,
                       Change change) {
  if (client == nullptr || path == nullptr || *path == '\0' ||
      !IsPathType(type)) {
    return ES_RETURN_ERROR;
  }
  const EventSet applicable = Applicable(type, events);
  if (applicable.none()) return ES_RETURN_ERROR;
  MuteSet& mutes = client->client->mutes();
  change == Change::kMute ? mutes.Mute(type, path, applicable)
                          : mutes.Unmute(type, path, applicable);
  return ES_RETURN_SUCCESS;
}

// Lists as the C interface gives them out: one object that owns everything, and
// begins with what the caller sees.
struct PathList {
  es_muted_paths_t c = {};
  std::vector<MuteSet::MutedPath> paths;
  std::vector<std::vector<es_event_type_t>> events;
  std::vector<es_muted_path_t> entries;
};
struct ProcessList {
  es_muted_processes_t c = {};
  std::vector<std::vector<es_event_type_t>> events;
  std::vector<es_muted_process_t> entries;
};

}  // namespace

extern "C" {

es_return_t es_mute_process(es_client_t* client,
                            const audit_token_t* audit_token) {
  return ChangeProcess(client, audit_token, AllEvents(), Change::kMute);
}

es_return_t es_mute_process_events(es_client_t* client,
                                   const audit_token_t* audit_token,
                                   const es_event_type_t* events,
                                   size_t event_count) {
  return ChangeProcess(client, audit_token, EventsOf(events, event_count),
                       Change::kMute);
}

es_return_t es_unmute_process(es_client_t* client,
                              const audit_token_t* audit_token) {
  return ChangeProcess(client, audit_token, AllEvents(), Change::kUnmute);
}

es_return_t es_unmute_process_events(es_client_t* client,
                                     const audit_token_t* audit_token,
                                     const es_event_type_t* events,
                                     size_t event_count) {
  return ChangeProcess(client, audit_token, EventsOf(events, event_count),
                       Change::kUnmute);
}

es_return_t es_muted_processes(es_client_t* client, size_t* count,
                               audit_token_t** audit_tokens) {
  if (client == nullptr || count == nullptr || audit_tokens == nullptr) {
    return ES_RETURN_ERROR;
  }
  const std::vector<MuteSet::MutedProcess> muted =
      client->client->mutes().processes();
  *count = 0;
  *audit_tokens = nullptr;
  if (muted.empty()) return ES_RETURN_SUCCESS;
  auto* list = static_cast<audit_token_t*>(
      // The interface demands it: the caller frees it with free().
      std::calloc(muted.size(), sizeof(audit_token_t)));
  if (list == nullptr) return ES_RETURN_ERROR;
  for (const MuteSet::MutedProcess& one : muted) list[(*count)++] = one.process;
  *audit_tokens = list;
  return ES_RETURN_SUCCESS;
}

es_return_t es_muted_processes_events(es_client_t* client,
                                      es_muted_processes_t** muted_processes) {
  if (client == nullptr || muted_processes == nullptr) return ES_RETURN_ERROR;
  auto list = std::make_unique<ProcessList>();
  const std::vector<MuteSet::MutedProcess> muted =
      client->client->mutes().processes();
  for (const MuteSet::MutedProcess& one : muted) {
    list->events.push_back(ListOf(one.events));
    list->entries.push_back(
        {one.process, list->events.back().size(), list->events.back().data()});
  }
  list->c = {list->entries.size(), list->entries.data()};
  *muted_processes = &list.release()->c;  // Until es_release_muted_processes.
  return ES_RETURN_SUCCESS;
}

void es_release_muted_processes(es_muted_processes_t* muted_processes) {
  // Standard layout, first member: the addresses are the same.
  const std::unique_ptr<ProcessList> list(
      reinterpret_cast<ProcessList*>(muted_processes));
}

es_return_t es_mute_path(es_client_t* client, const char* path,
                         es_mute_path_type_t type) {
  return ChangePath(client, path, type, AllEvents(), Change::kMute);
}

es_return_t es_mute_path_events(es_client_t* client, const char* path,
                                es_mute_path_type_t type,
                                const es_event_type_t* events,
                                size_t event_count) {
  return ChangePath(client, path, type, EventsOf(events, event_count),
                    Change::kMute);
}

es_return_t es_mute_path_prefix(es_client_t* client, const char* path_prefix) {
  return es_mute_path(client, path_prefix, ES_MUTE_PATH_TYPE_PREFIX);
}

es_return_t es_mute_path_literal(es_client_t* client,
                                 const char* path_literal) {
  return es_mute_path(client, path_literal, ES_MUTE_PATH_TYPE_LITERAL);
}

es_return_t es_unmute_path(es_client_t* client, const char* path,
                           es_mute_path_type_t type) {
  return ChangePath(client, path, type, AllEvents(), Change::kUnmute);
}

es_return_t es_unmute_path_events(es_client_t* client, const char* path,
                                  es_mute_path_type_t type,
                                  const es_event_type_t* events,
                                  size_t event_count) {
  return ChangePath(client, path, type, EventsOf(events, event_count),
                    Change::kUnmute);
}

es_return_t es_unmute_all_paths(es_client_t* client) {
  if (client == nullptr) return ES_RETURN_ERROR;
  client->client->mutes().UnmuteAllPaths();
  return ES_RETURN_SUCCESS;
}

es_return_t es_unmute_all_target_paths(es_client_t* client) {
  if (client == nullptr) return ES_RETURN_ERROR;
  client->client->mutes().UnmuteAllTargetPaths();
  return ES_RETURN_SUCCESS;
}

es_return_t es_muted_paths_events(es_client_t* client,
                                  es_muted_paths_t** muted_paths) {
  if (client == nullptr || muted_paths == nullptr) return ES_RETURN_ERROR;
  auto list = std::make_unique<PathList>();
  list->paths = client->client->mutes().paths();
  for (const MuteSet::MutedPath& one : list->paths) {
    list->events.push_back(ListOf(one.events));
    list->entries.push_back({one.type,
                             list->events.back().size(),
                             list->events.back().data(),
                             {one.path.size(), one.path.data()}});
  }
  list->c = {list->entries.size(), list->entries.data()};
  *muted_paths = &list.release()->c;  // Until es_release_muted_paths.
  return ES_RETURN_SUCCESS;
}

void es_release_muted_paths(es_muted_paths_t* muted_paths) {
  // Standard layout, first member: the addresses are the same.
  const std::unique_ptr<PathList> list(
      reinterpret_cast<PathList*>(muted_paths));
}

es_return_t es_invert_muting(es_client_t* client,
                             es_mute_inversion_type_t mute_type) {
  if (client == nullptr || mute_type >= ES_MUTE_INVERSION_TYPE_LAST) {
    return ES_RETURN_ERROR;
  }
  client->client->mutes().Invert(mute_type);
  return ES_RETURN_SUCCESS;
}

es_mute_inverted_return_t es_muting_inverted(
    es_client_t* client, es_mute_inversion_type_t mute_type) {
  if (client == nullptr || mute_type >= ES_MUTE_INVERSION_TYPE_LAST) {
    return ES_MUTE_INVERTED_ERROR;
  }
  return client->client->mutes().is_inverted(mute_type) ? ES_MUTE_INVERTED
                                                        : ES_MUTE_NOT_INVERTED;
}

}  // extern "C"
