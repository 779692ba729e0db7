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
// es_delete_client returns.
//
// ERR_NOT_PRIVILEGED: the process lacks CAP_SYS_ADMIN. ERR_TOO_MANY_CLIENTS:
// the kernel's limit of fanotify groups is reached. ERR_INTERNAL: the kernel
// has no fanotify, or memory ran out.
es_new_client_result_t es_new_client_f(es_client_t** client, void* context,
                                       es_handler_function_t handler);

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

// Answers an AUTH message, except AUTH_OPEN. `cache` asks that the same
// question is not put again; Linux has no such cache yet and always asks.
es_respond_result_t es_respond_auth_result(es_client_t* client,
                                           const es_message_t* message,
                                           es_auth_result_t result, bool cache);

// Answers AUTH_OPEN: allowed if event.open.fflag has no bit outside of
// `authorized_flags`. 0 denies, UINT32_MAX allows.
es_respond_result_t es_respond_flags_result(es_client_t* client,
                                            const es_message_t* message,
                                            uint32_t authorized_flags,
                                            bool cache);

// Keeps a message valid beyond the handler. Each retain needs one release. An
// AUTH message whose last reference goes without an answer is allowed and
// counted.
void es_retain_message(const es_message_t* message);
void es_release_message(const es_message_t* message);

#ifdef __cplusplus
}  // extern "C"
#endif
