// The messages of the EndpointSecurity C interface, for Linux.
//
// A message and everything it points to is valid inside the handler call, and
// afterwards for as long as it is retained (ESClient.h). Read-only.
#pragma once

#include <EndpointSecurity/ESTypes.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

// A file as it was when the event happened. On Linux the path is what the
// kernel shows for the descriptor in our mount namespace: display text that
// another namespace can forge, never identity.
typedef struct {
  es_string_token_t path;
  bool path_truncated;
  struct stat stat;
} es_file_t;

typedef struct {
  uint64_t thread_id;
} es_thread_t;

// Who acts. Linux has no code signing: codesigning_flags is 0, cdhash is zero,
// signing_id and team_id are empty, is_platform_binary is false.
typedef struct {
  audit_token_t audit_token;
  pid_t ppid;
  pid_t original_ppid;
  pid_t group_id;
  pid_t session_id;
  uint32_t codesigning_flags;
  bool is_platform_binary;
  bool is_es_client;
  uint8_t cdhash[20];
  es_string_token_t signing_id;
  es_string_token_t team_id;
  es_file_t* executable;      // Never null; an empty path when unknown.
  es_file_t* tty;             // Since version 2; null on Linux.
  struct timeval start_time;  // Since version 3.
  audit_token_t responsible_audit_token;  // Since version 4.
  audit_token_t parent_audit_token;       // Since version 4.
} es_process_t;

// AUTH_OPEN and NOTIFY_OPEN.
typedef struct {
  int32_t fflag;  // FREAD 1, FWRITE 2: not O_RDONLY and its like.
  es_file_t* file;
  uint8_t reserved[64];
} es_event_open_t;

// NOTIFY_CLOSE.
typedef struct {
  bool modified;
  es_file_t* target;
  union {
    uint8_t reserved[64];
    bool was_mapped_writable;  // Since version 6; unknown on Linux: false.
  };
} es_event_close_t;

typedef union {
  es_event_close_t close;
  es_event_open_t open;
} es_events_t;

typedef struct {
  uint32_t version;  // 4: read no field that is newer.
  struct timespec time;
  uint64_t mach_time;  // CLOCK_MONOTONIC on Linux, nanoseconds.
  uint64_t deadline;   // Same clock; 0 when nobody waits for an answer.
  es_process_t* process;
  uint64_t seq_num;  // Per client and event type.
  es_action_type_t action_type;
  union {
    es_event_id_t auth;
    es_result_t notify;
  } action;
  es_event_type_t event_type;
  es_events_t event;
  es_thread_t* thread;      // Null on Linux.
  uint64_t global_seq_num;  // Per client.
  // Apple's opaque tail is left out: sizeof says nothing on either system.
} es_message_t;

#ifdef __cplusplus
}  // extern "C"
#endif
