// What messages say about events that files see, for Linux. Field
// names and order are facts of Apple's published ABI. Part of ESMessage.h.
//
// Which of them Linux delivers: esl_event_support() in es_linux.h. A field that
// is newer than es_message_t::version must not be read.
#pragma once

#include <EndpointSecurity/ESObjects.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int32_t fflag;  // FREAD 1, FWRITE 2: not O_RDONLY and its like.
  es_file_t* file;
  uint8_t reserved[64];
} es_event_open_t;

typedef struct {
  es_file_t* target;
  es_file_t* parent_dir;
  uint8_t reserved[64];
} es_event_unlink_t;

typedef struct {
  int32_t protection;
  int32_t max_protection;
  int32_t flags;
  uint64_t file_pos;
  es_file_t* source;
  uint8_t reserved[64];
} es_event_mmap_t;

typedef struct {
  es_file_t* source;
  es_file_t* target_dir;
  es_string_token_t target_filename;
  uint8_t reserved[64];
} es_event_link_t;

typedef struct {
  es_file_t* source;
  es_destination_type_t destination_type;
  union {
    es_file_t* existing_file;
    struct {
      es_file_t* dir;
      es_string_token_t filename;
    } new_path;
  } destination;
  uint8_t reserved[64];
} es_event_rename_t;

typedef struct {
  es_file_t* target;
  es_string_token_t extattr;
  uint8_t reserved[64];
} es_event_setextattr_t;

typedef struct {
  es_file_t* target;
  es_string_token_t extattr;
  uint8_t reserved[64];
} es_event_getextattr_t;

typedef struct {
  es_file_t* target;
  es_string_token_t extattr;
  uint8_t reserved[64];
} es_event_deleteextattr_t;

typedef struct {
  mode_t mode;
  es_file_t* target;
  uint8_t reserved[64];
} es_event_setmode_t;

typedef struct {
  uint32_t flags;
  es_file_t* target;
  uint8_t reserved[64];
} es_event_setflags_t;

typedef struct {
  uid_t uid;
  gid_t gid;
  es_file_t* target;
  uint8_t reserved[64];
} es_event_setowner_t;

typedef struct {
  bool modified;
  es_file_t* target;
  union {
    uint8_t reserved[64];
    bool was_mapped_writable;  // Since version 6; unknown on Linux: false.
  };
} es_event_close_t;

typedef struct {
  es_destination_type_t destination_type;
  union {
    es_file_t* existing_file;
    struct {
      es_file_t* dir;
      es_string_token_t filename;
      mode_t mode;
    } new_path;
  } destination;
  uint8_t reserved2[16];
  union {
    uint8_t reserved[48];
    __extension__ struct {
      acl_t acl;  // Since version 2; null on Linux.
    };
  };
} es_event_create_t;

typedef struct {
  es_file_t* file1;
  es_file_t* file2;
  uint8_t reserved[64];
} es_event_exchangedata_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_write_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_truncate_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_chdir_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_stat_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_chroot_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_listextattr_t;

typedef struct {
  struct attrlist attrlist;
  es_file_t* target;
  uint8_t reserved[64];
} es_event_getattrlist_t;

typedef struct {
  struct attrlist attrlist;
  es_file_t* target;
  uint8_t reserved[64];
} es_event_setattrlist_t;

typedef struct {
  es_file_t* source;
  es_string_token_t target_path;
  uint8_t reserved[64];
} es_event_file_provider_update_t;

typedef struct {
  es_process_t* instigator;  // May be null.
  es_file_t* source;
  es_file_t* target;
  audit_token_t instigator_token;  // Since version 8.
  uint8_t reserved[32];
} es_event_file_provider_materialize_t;

typedef struct {
  es_file_t* source;
  uint8_t reserved[64];
} es_event_readlink_t;

typedef struct {
  es_file_t* source_dir;
  es_string_token_t relative_target;
  uint8_t reserved[64];
} es_event_lookup_t;

typedef struct {
  int32_t mode;
  es_file_t* target;
  uint8_t reserved[64];
} es_event_access_t;

typedef struct {
  es_file_t* target;
  struct timespec atime;
  struct timespec mtime;
  uint8_t reserved[64];
} es_event_utimes_t;

typedef struct {
  es_file_t* source;
  es_file_t* target_dir;
  es_string_token_t target_name;
  uint8_t reserved[64];
} es_event_clone_t;

typedef struct {
  es_file_t* source;
  es_file_t* target_file;  // May be null.
  es_file_t* target_dir;
  es_string_token_t target_name;
  mode_t mode;
  int32_t flags;
  uint8_t reserved[56];
} es_event_copyfile_t;

typedef struct {
  es_file_t* target;
  int32_t cmd;
  uint8_t reserved[64];
} es_event_fcntl_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_readdir_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_fsgetpath_t;

typedef struct {
  es_file_t* target;
  uint8_t reserved[64];
} es_event_dup_t;

typedef struct {
  es_file_t* dir;
  es_string_token_t filename;
  mode_t mode;
  uint8_t reserved[64];
} es_event_uipc_bind_t;

typedef struct {
  es_file_t* file;
  int domain;
  int type;
  int protocol;
  uint8_t reserved[64];
} es_event_uipc_connect_t;

typedef struct {
  es_file_t* target;
  es_set_or_clear_t set_or_clear;
  union {
    acl_t set;
  } acl;
  uint8_t reserved[64];
} es_event_setacl_t;

typedef struct {
  struct attrlist attrlist;
  es_file_t* target;
  uint8_t reserved[64];
} es_event_searchfs_t;

#ifdef __cplusplus
}  // extern "C"
#endif
