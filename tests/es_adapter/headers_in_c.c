// The headers are C: this compiles as strict C11, and the layout is Apple's.
#include <EndpointSecurity/EndpointSecurity.h>
#include <bsm/libbsm.h>
#include <es_linux.h>
#include <stddef.h>

_Static_assert(sizeof(es_event_type_t) == 4, "a plain C enum");
_Static_assert(sizeof(audit_token_t) == 32, "eight words");
_Static_assert(sizeof(es_event_id_t) == 32, "opaque");
_Static_assert(sizeof(es_string_token_t) == 16, "length, then pointer");
_Static_assert(offsetof(es_string_token_t, length) == 0, "length comes first");
_Static_assert(offsetof(es_token_t, size) == 0, "size comes first");
_Static_assert(offsetof(es_file_t, path) == 0, "the path comes first");
_Static_assert(offsetof(es_process_t, audit_token) == 0, "who comes first");
_Static_assert(offsetof(es_process_t, ppid) == 32, "after the token");
_Static_assert(offsetof(es_process_t, codesigning_flags) == 48, "after pids");
_Static_assert(offsetof(es_message_t, version) == 0, "the version comes first");
_Static_assert(offsetof(es_message_t, mach_time) == 24, "after the time");
_Static_assert(offsetof(es_message_t, deadline) == 32, "after mach_time");
_Static_assert(offsetof(es_message_t, process) == 40, "after the deadline");
_Static_assert(offsetof(es_message_t, seq_num) == 48, "after the process");
_Static_assert(offsetof(es_message_t, action_type) == 56, "after seq_num");
_Static_assert(offsetof(es_event_open_t, fflag) == 0, "fflag comes first");
_Static_assert(offsetof(es_event_open_t, file) == 8, "after fflag");
_Static_assert(offsetof(es_event_close_t, target) == 8, "after modified");

// A handler is an ordinary C function.
static void HandleMessage(void* context, es_client_t* client,
                          const es_message_t* message) {
  (void)context;
  (void)es_respond_flags_result(client, message, UINT32_MAX, false);
}

es_new_client_result_t gatehouse_headers_in_c(es_client_t** client);
es_new_client_result_t gatehouse_headers_in_c(es_client_t** client) {
  return es_new_client_f(client, NULL, HandleMessage);
}
