// What messages say about events that processes and the system see. Field
// names and order are facts of Apple's published ABI. Part of ESMessage.h.
//
// Which of them Linux delivers: esl_event_support() in es_linux.h. A field that
// is newer than es_message_t::version must not be read.
#pragma once

#include <EndpointSecurity/ESObjects.h>
#include <sys/vfs.h>

#ifdef __cplusplus
extern "C" {
#endif

// Who is to run. `target` is the calling process with its new executable; its
// arguments are read with es_exec_arg and its like (ESClient.h).
typedef struct {
  es_process_t* target;
  es_string_token_t dyld_exec_path;  // Since version 7; empty on Linux.
  union {
    uint8_t reserved[64];
    __extension__ struct {
      es_file_t* script;         // Since version 2; null if there is none.
      es_file_t* cwd;            // Since version 3.
      int last_fd;               // Since version 4; -1 when unknown.
      cpu_type_t image_cputype;  // Since version 6.
      cpu_subtype_t image_cpusubtype;  // Since version 6.
    };
  };
} es_event_exec_t;

typedef struct {
  es_string_token_t identifier;
  uint8_t reserved[64];
} es_event_kextload_t;

typedef struct {
  es_string_token_t identifier;
  uint8_t reserved[64];
} es_event_kextunload_t;

typedef struct {
  struct statfs* statfs;
  es_mount_disposition_t disposition;  // Since version 8.
  uint8_t reserved[60];
} es_event_mount_t;

typedef struct {
  struct statfs* statfs;
  uint8_t reserved[64];
} es_event_unmount_t;

typedef struct {
  struct statfs* statfs;
  uint64_t remount_flags;              // Since version 8.
  es_mount_disposition_t disposition;  // Since version 8.
  uint8_t reserved[52];
} es_event_remount_t;

typedef struct {
  es_process_t* child;
  uint8_t reserved[64];
} es_event_fork_t;

typedef struct {
  int32_t protection;
  user_addr_t address;
  user_size_t size;
  uint8_t reserved[64];
} es_event_mprotect_t;

typedef struct {
  int sig;
  es_process_t* target;
  es_process_t* instigator;  // Since version 9; may be null.
  uint8_t reserved[56];
} es_event_signal_t;

typedef struct {
  int stat;  // As wait(2) reports it.
  uint8_t reserved[64];
} es_event_exit_t;

typedef struct {
  uint32_t user_client_type;
  es_string_token_t user_client_class;
  uint8_t reserved[64];
} es_event_iokit_open_t;

typedef struct {
  es_process_t* target;
  es_get_task_type_t type;  // Since version 5.
  uint8_t reserved[60];
} es_event_get_task_t;

typedef struct {
  es_process_t* target;
  es_get_task_type_t type;  // Since version 5.
  uint8_t reserved[60];
} es_event_get_task_read_t;

typedef struct {
  es_process_t* target;
  es_get_task_type_t type;  // Since version 5.
  uint8_t reserved[60];
} es_event_get_task_inspect_t;

typedef struct {
  es_process_t* target;
  es_get_task_type_t type;  // Since version 5.
  uint8_t reserved[60];
} es_event_get_task_name_t;

typedef struct {
  uint8_t reserved[64];
} es_event_settime_t;

typedef struct {
  dev_t dev;
  uint8_t reserved[64];
} es_event_pty_grant_t;

typedef struct {
  dev_t dev;
  uint8_t reserved[64];
} es_event_pty_close_t;

typedef struct {
  es_process_t* target;  // May be null.
  es_proc_check_type_t type;
  int flavor;
  uint8_t reserved[64];
} es_event_proc_check_t;

typedef struct {
  es_process_t* target;  // May be null.
  es_proc_suspend_resume_type_t type;
  uint8_t reserved[64];
} es_event_proc_suspend_resume_t;

typedef struct {
  uint8_t reserved[64];
} es_event_cs_invalidated_t;

typedef struct {
  es_process_t* target;
  uint8_t reserved[64];
} es_event_trace_t;

typedef struct {
  es_process_t* target;
  es_thread_state_t* thread_state;  // May be null.
  uint8_t reserved[64];
} es_event_remote_thread_create_t;

typedef struct {
  uid_t uid;
  uint8_t reserved[64];
} es_event_setuid_t;

typedef struct {
  uid_t gid;
  uint8_t reserved[64];
} es_event_setgid_t;

typedef struct {
  uid_t euid;
  uint8_t reserved[64];
} es_event_seteuid_t;

typedef struct {
  uid_t egid;
  uint8_t reserved[64];
} es_event_setegid_t;

typedef struct {
  uid_t ruid;
  uid_t euid;
  uint8_t reserved[64];
} es_event_setreuid_t;

typedef struct {
  uid_t rgid;
  uid_t egid;
  uint8_t reserved[64];
} es_event_setregid_t;

#ifdef __cplusplus
}  // extern "C"
#endif
