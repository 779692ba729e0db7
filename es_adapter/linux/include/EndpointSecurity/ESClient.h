// The functions of the EndpointSecurity C interface, for Linux.
//
// Thread safety: a client is created and deleted by one thread; answering,
// retaining and releasing may happen on any thread, in any order.
#pragma once

#include <EndpointSecurity/ESMessage.h>
#include <EndpointSecurity/ESTypes.h>

#ifdef __cplusplus
extern "C" {
#endif

// Called for one message at a time, in order, on a thread of the library. The
// message is valid until it returns, unless it is retained.
typedef void (*es_handler_function_t)(void* context, es_client_t* client,
                                      const es_message_t* message);

// Opens a connection to the event source. No message arrives before
// es_subscribe. `handler` and `context` must stay valid until
// es_delete_client returns. Not in Apple's interface, whose handlers are
// Blocks.
//
// ERR_NOT_PRIVILEGED: the process lacks CAP_SYS_ADMIN. ERR_TOO_MANY_CLIENTS:
// the kernel's limit of fanotify groups is reached. ERR_INTERNAL: the kernel
// has no fanotify, or memory ran out.
es_new_client_result_t es_new_client_f(es_client_t** client, void* context,
                                       es_handler_function_t handler);

#ifdef __BLOCKS__
// The same with a Block, which is copied and released by es_delete_client. The
// program brings the Blocks runtime (-fblocks, -lBlocksRuntime); without it,
// ERR_INTERNAL.
typedef void (^es_handler_block_t)(es_client_t*, const es_message_t*);
es_new_client_result_t es_new_client(es_client_t** client,
                                     es_handler_block_t handler);

// For descendants of the caller only. Not on Linux: always ERR_INTERNAL.
es_new_client_result_t es_new_descendants_client(es_client_t** client,
                                                 es_handler_block_t handler);

// Calls `block` after every message that was queued before has been handled, or
// when the client is deleted; on the handler's thread. es_sync_client_f is
// ours.
es_return_t es_sync_client(es_client_t* client, void (^block)(void));
#endif
es_return_t es_sync_client_f(es_client_t* client, void* context,
                             void (*function)(void* context));

// Closes the connection. Who still waits for an answer is allowed and counted.
// Messages that are still retained stay readable until they are released. Must
// be called by the thread that created the client, never from its handler.
es_return_t es_delete_client(es_client_t* client);

// Adds to, or takes from, the events that are delivered. All or nothing: with
// one event that Linux cannot deliver (or cannot authorise), ES_RETURN_ERROR
// and nothing has changed.
es_return_t es_subscribe(es_client_t* client, const es_event_type_t* events,
                         uint32_t event_count);
es_return_t es_unsubscribe(es_client_t* client, const es_event_type_t* events,
                           uint32_t event_count);
es_return_t es_unsubscribe_all(es_client_t* client);

// Lists what is subscribed. The caller frees `*subscriptions` with free().
es_return_t es_subscriptions(es_client_t* client, size_t* count,
                             es_event_type_t** subscriptions);

// --- Answers ----------------------------------------------------------------

// Answers an AUTH message, except AUTH_OPEN.
//
// `cache` asks that the same question is not put again: the same executable
// and the same file, neither of them modified since. Kept per client, in a
// table of fixed size; not kept where it could go stale (a writer has the file,
// a file system whose leases do not tell, ESL_DETAIL_FILE). A denial is kept
// for 1.5 s. NOTIFY events come all the same.
es_respond_result_t es_respond_auth_result(es_client_t* client,
                                           const es_message_t* message,
                                           es_auth_result_t result, bool cache);

// Answers AUTH_OPEN: allowed if event.open.fflag has no bit outside of
// `authorized_flags`. 0 denies, UINT32_MAX allows. With `cache`, the flags are
// kept: a later open with other flags may be denied by them.
es_respond_result_t es_respond_flags_result(es_client_t* client,
                                            const es_message_t* message,
                                            uint32_t authorized_flags,
                                            bool cache);

// Forgets every kept answer. ERR_THROTTLE when the last call was less than
// 100 ms ago; nothing is forgotten then.
es_clear_cache_result_t es_clear_cache(es_client_t* client);

// --- Muting -----------------------------------------------------------------
//
// A muted event is not delivered; an AUTH event is allowed. In this order: is
// it subscribed; is the acting process muted; is its executable's path; are all
// paths it acts on. Inverting a kind swaps "is" for "is not" (for the paths
// acted on: delivered if any of them is muted). Prefixes are plain text.
//
// A path is believed only if it comes from a mount of our own mount namespace:
// elsewhere a user can make it say anything. An unknown path, process or target
// is neither muted nor, when inverted, left out.
//
// A new client mutes AUTH_OPEN for the executables of the system's log daemons,
// on which the client's own logging may wait: see es_muted_paths_events.

es_return_t es_mute_process(es_client_t* client,
                            const audit_token_t* audit_token);
es_return_t es_mute_process_events(es_client_t* client,
                                   const audit_token_t* audit_token,
                                   const es_event_type_t* events,
                                   size_t event_count);
es_return_t es_unmute_process(es_client_t* client,
                              const audit_token_t* audit_token);
es_return_t es_unmute_process_events(es_client_t* client,
                                     const audit_token_t* audit_token,
                                     const es_event_type_t* events,
                                     size_t event_count);
// The caller frees `*audit_tokens` with free(); null when there are none.
es_return_t es_muted_processes(es_client_t* client, size_t* count,
                               audit_token_t** audit_tokens);
es_return_t es_muted_processes_events(es_client_t* client,
                                      es_muted_processes_t** muted_processes);
void es_release_muted_processes(es_muted_processes_t* muted_processes);

es_return_t es_mute_path(es_client_t* client, const char* path,
                         es_mute_path_type_t type);
es_return_t es_mute_path_events(es_client_t* client, const char* path,
                                es_mute_path_type_t type,
                                const es_event_type_t* events,
                                size_t event_count);
es_return_t es_mute_path_prefix(es_client_t* client, const char* path_prefix);
es_return_t es_mute_path_literal(es_client_t* client, const char* path_literal);
es_return_t es_unmute_path(es_client_t* client, const char* path,
                           es_mute_path_type_t type);
es_return_t es_unmute_path_events(es_client_t* client, const char* path,
                                  es_mute_path_type_t type,
                                  const es_event_type_t* events,
                                  size_t event_count);
// Executables' paths, and paths acted on.
es_return_t es_unmute_all_paths(es_client_t* client);
es_return_t es_unmute_all_target_paths(es_client_t* client);
es_return_t es_muted_paths_events(es_client_t* client,
                                  es_muted_paths_t** muted_paths);
void es_release_muted_paths(es_muted_paths_t* muted_paths);

// Inverts one kind; again: back. What is muted by default is then what is
// selected: clear it first, and do both before subscribing to AUTH events.
es_return_t es_invert_muting(es_client_t* client,
                             es_mute_inversion_type_t mute_type);
es_mute_inverted_return_t es_muting_inverted(
    es_client_t* client, es_mute_inversion_type_t mute_type);

// --- Deadlines (since macOS 27) ---------------------------------------------

// The default is FAIL_OPEN, where macOS has KILL. An operation that was
// answered so has had its answer: a later one is ERR_DUPLICATE_RESPONSE.
es_return_t es_set_deadline_miss_mode(es_client_t* client,
                                      es_deadline_miss_mode_t mode);
es_return_t es_get_deadline_miss_mode(es_client_t* client,
                                      es_deadline_miss_mode_t* mode);

// Shortens the deadline of AUTH events read from now on. An error for 0, for
// more than the default (AUTH_EXEC 5000, AUTH_OPEN 3000) and for other events.
es_return_t es_set_deadline_max_milliseconds(es_client_t* client,
                                             const es_event_type_t* events,
                                             uint32_t event_count,
                                             uint32_t milliseconds);
es_return_t es_get_deadline_max_milliseconds(es_client_t* client,
                                             es_event_type_t event,
                                             uint32_t* milliseconds);
// For clients of descendants only: always an error on Linux.
es_return_t es_set_deadline_min_milliseconds(es_client_t* client,
                                             const es_event_type_t* events,
                                             uint32_t event_count,
                                             uint32_t milliseconds);
es_return_t es_get_deadline_min_milliseconds(es_client_t* client,
                                             es_event_type_t event,
                                             uint32_t* milliseconds);

// --- Messages ---------------------------------------------------------------

// Keeps a message valid beyond the handler. Each retain needs one release. An
// AUTH message whose last reference goes without an answer is allowed and
// counted.
void es_retain_message(const es_message_t* message);
void es_release_message(const es_message_t* message);

// As retain and release, from before macOS 11. es_message_size is of the
// structure alone.
es_message_t* es_copy_message(const es_message_t* message);
void es_free_message(es_message_t* message);
size_t es_message_size(const es_message_t* message);

// What the executed program is given. On Linux the kernel tells nothing before
// the program runs: AUTH_EXEC has no arguments, environment or descriptors, and
// asking for one gives an empty token (es_exec_fd: null). NOTIFY_EXEC has its
// arguments, as /proc shows them.
uint32_t es_exec_arg_count(const es_event_exec_t* event);
uint32_t es_exec_env_count(const es_event_exec_t* event);
uint32_t es_exec_fd_count(const es_event_exec_t* event);
es_string_token_t es_exec_arg(const es_event_exec_t* event, uint32_t index);
es_string_token_t es_exec_env(const es_event_exec_t* event, uint32_t index);
const es_fd_t* es_exec_fd(const es_event_exec_t* event, uint32_t index);
// Linux has no entitlements: null.
typedef void* xpc_object_t;
xpc_object_t es_exec_entitlements(const es_event_exec_t* event);

#ifdef __cplusplus
}  // extern "C"
#endif
