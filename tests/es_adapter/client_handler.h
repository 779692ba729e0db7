// How the tests of a real client make one: with a function, or with a Block
// where the compiler knows Blocks. The same tests are built both ways.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <functional>

namespace gatehouse {

using ClientHandler = std::function<void(es_client_t*, const es_message_t*)>;

// An es_handler_function_t whose context is a ClientHandler.
inline void OnMessage(void* context, es_client_t* client,
                      const es_message_t* message) {
  (*static_cast<ClientHandler*>(context))(client, message);
}

// `handler` outlives the client.
#ifdef __BLOCKS__
inline es_new_client_result_t NewClient(es_client_t** client,
                                        ClientHandler& handler) {
  ClientHandler* const call = &handler;
  return es_new_client(client, ^(es_client_t* self, const es_message_t* got) {
    (*call)(self, got);
  });
}
#else
inline es_new_client_result_t NewClient(es_client_t** client,
                                        ClientHandler& handler) {
  return es_new_client_f(client, &handler, OnMessage);
}
#endif

}  // namespace gatehouse
