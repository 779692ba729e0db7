// Who and what the events of the EndpointSecurity C interface are about, for
// Linux: files, processes, threads, descriptors. Part of ESMessage.h.
#pragma once

#include <EndpointSecurity/ESTypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

// Types that Darwin has in other headers.
typedef uint64_t user_addr_t;
typedef uint64_t user_size_t;
typedef int cpu_type_t;
typedef int cpu_subtype_t;
#ifndef __SYS_ACL_H
typedef struct _acl* acl_t;
#endif
struct attrlist {
  unsigned short bitmapcount;
  uint16_t reserved;
  uint32_t commonattr;
  uint32_t volattr;
  uint32_t dirattr;
  uint32_t fileattr;
  uint32_t forkattr;
};

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
  es_cdhash_t cdhash;
  es_string_token_t signing_id;
  es_string_token_t team_id;
  es_file_t* executable;      // Never null; an empty path when unknown.
  es_file_t* tty;             // Since version 2; null on Linux.
  struct timeval start_time;  // Since version 3.
  audit_token_t responsible_audit_token;  // Since version 4.
  audit_token_t parent_audit_token;       // Since version 4.
} es_process_t;

// The registers of a thread that another process creates.
typedef struct {
  int flavor;
  es_token_t state;
} es_thread_state_t;

// An open descriptor of a process that is executing.
typedef struct {
  int32_t fd;
  uint32_t fdtype;
  union {
    struct {
      uint64_t pipe_id;
    } pipe;
  };
} es_fd_t;

#ifdef __cplusplus
}  // extern "C"
#endif
