// The messages of the EndpointSecurity C interface, for Linux.
//
// A message and everything it points to is valid inside the handler call, and
// afterwards for as long as it is retained (ESClient.h). Read-only.
#pragma once

#include <EndpointSecurity/ESFileEvents.h>
#include <EndpointSecurity/ESObjects.h>
#include <EndpointSecurity/ESProcessEvents.h>
#include <EndpointSecurity/ESTypes.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

// By event type. Events since macOS 13 are pointers; Linux delivers none of
// those, and their types stay incomplete here.
typedef struct es_event_authentication_s es_event_authentication_t;
typedef struct es_event_xp_malware_detected_s es_event_xp_malware_detected_t;
typedef struct es_event_xp_malware_remediated_s
    es_event_xp_malware_remediated_t;
typedef struct es_event_lw_session_login_s es_event_lw_session_login_t;
typedef struct es_event_lw_session_logout_s es_event_lw_session_logout_t;
typedef struct es_event_lw_session_lock_s es_event_lw_session_lock_t;
typedef struct es_event_lw_session_unlock_s es_event_lw_session_unlock_t;
typedef struct es_event_screensharing_attach_s es_event_screensharing_attach_t;
typedef struct es_event_screensharing_detach_s es_event_screensharing_detach_t;
typedef struct es_event_openssh_login_s es_event_openssh_login_t;
typedef struct es_event_openssh_logout_s es_event_openssh_logout_t;
typedef struct es_event_login_login_s es_event_login_login_t;
typedef struct es_event_login_logout_s es_event_login_logout_t;
typedef struct es_event_btm_launch_item_add_s es_event_btm_launch_item_add_t;
typedef struct es_event_btm_launch_item_remove_s
    es_event_btm_launch_item_remove_t;
typedef struct es_event_profile_add_s es_event_profile_add_t;
typedef struct es_event_profile_remove_s es_event_profile_remove_t;
typedef struct es_event_su_s es_event_su_t;
typedef struct es_event_authorization_petition_s
    es_event_authorization_petition_t;
typedef struct es_event_authorization_judgement_s
    es_event_authorization_judgement_t;
typedef struct es_event_sudo_s es_event_sudo_t;
typedef struct es_event_od_group_add_s es_event_od_group_add_t;
typedef struct es_event_od_group_remove_s es_event_od_group_remove_t;
typedef struct es_event_od_group_set_s es_event_od_group_set_t;
typedef struct es_event_od_modify_password_s es_event_od_modify_password_t;
typedef struct es_event_od_disable_user_s es_event_od_disable_user_t;
typedef struct es_event_od_enable_user_s es_event_od_enable_user_t;
typedef struct es_event_od_attribute_value_add_s
    es_event_od_attribute_value_add_t;
typedef struct es_event_od_attribute_value_remove_s
    es_event_od_attribute_value_remove_t;
typedef struct es_event_od_attribute_set_s es_event_od_attribute_set_t;
typedef struct es_event_od_create_user_s es_event_od_create_user_t;
typedef struct es_event_od_create_group_s es_event_od_create_group_t;
typedef struct es_event_od_delete_user_s es_event_od_delete_user_t;
typedef struct es_event_od_delete_group_s es_event_od_delete_group_t;
typedef struct es_event_xpc_connect_s es_event_xpc_connect_t;
typedef struct es_event_gatekeeper_user_override_s
    es_event_gatekeeper_user_override_t;
typedef struct es_event_tcc_modify_s es_event_tcc_modify_t;
typedef union {
  es_event_access_t access;
  es_event_chdir_t chdir;
  es_event_chroot_t chroot;
  es_event_clone_t clone;
  es_event_close_t close;
  es_event_copyfile_t copyfile;
  es_event_create_t create;
  es_event_cs_invalidated_t cs_invalidated;
  es_event_deleteextattr_t deleteextattr;
  es_event_dup_t dup;
  es_event_exchangedata_t exchangedata;
  es_event_exec_t exec;
  es_event_exit_t exit;
  es_event_fcntl_t fcntl;
  es_event_file_provider_materialize_t file_provider_materialize;
  es_event_file_provider_update_t file_provider_update;
  es_event_fork_t fork;
  es_event_fsgetpath_t fsgetpath;
  es_event_get_task_t get_task;
  es_event_get_task_inspect_t get_task_inspect;
  es_event_get_task_name_t get_task_name;
  es_event_get_task_read_t get_task_read;
  es_event_getattrlist_t getattrlist;
  es_event_getextattr_t getextattr;
  es_event_iokit_open_t iokit_open;
  es_event_kextload_t kextload;
  es_event_kextunload_t kextunload;
  es_event_link_t link;
  es_event_listextattr_t listextattr;
  es_event_lookup_t lookup;
  es_event_mmap_t mmap;
  es_event_mount_t mount;
  es_event_mprotect_t mprotect;
  es_event_open_t open;
  es_event_proc_check_t proc_check;
  es_event_proc_suspend_resume_t proc_suspend_resume;
  es_event_pty_close_t pty_close;
  es_event_pty_grant_t pty_grant;
  es_event_readdir_t readdir;
  es_event_readlink_t readlink;
  es_event_remote_thread_create_t remote_thread_create;
  es_event_remount_t remount;
  es_event_rename_t rename;
  es_event_searchfs_t searchfs;
  es_event_setacl_t setacl;
  es_event_setattrlist_t setattrlist;
  es_event_setegid_t setegid;
  es_event_seteuid_t seteuid;
  es_event_setextattr_t setextattr;
  es_event_setflags_t setflags;
  es_event_setgid_t setgid;
  es_event_setmode_t setmode;
  es_event_setowner_t setowner;
  es_event_setregid_t setregid;
  es_event_setreuid_t setreuid;
  es_event_settime_t settime;
  es_event_setuid_t setuid;
  es_event_signal_t signal;
  es_event_stat_t stat;
  es_event_trace_t trace;
  es_event_truncate_t truncate;
  es_event_uipc_bind_t uipc_bind;
  es_event_uipc_connect_t uipc_connect;
  es_event_unlink_t unlink;
  es_event_unmount_t unmount;
  es_event_utimes_t utimes;
  es_event_write_t write;
  es_event_authentication_t* authentication;
  es_event_xp_malware_detected_t* xp_malware_detected;
  es_event_xp_malware_remediated_t* xp_malware_remediated;
  es_event_lw_session_login_t* lw_session_login;
  es_event_lw_session_logout_t* lw_session_logout;
  es_event_lw_session_lock_t* lw_session_lock;
  es_event_lw_session_unlock_t* lw_session_unlock;
  es_event_screensharing_attach_t* screensharing_attach;
  es_event_screensharing_detach_t* screensharing_detach;
  es_event_openssh_login_t* openssh_login;
  es_event_openssh_logout_t* openssh_logout;
  es_event_login_login_t* login_login;
  es_event_login_logout_t* login_logout;
  es_event_btm_launch_item_add_t* btm_launch_item_add;
  es_event_btm_launch_item_remove_t* btm_launch_item_remove;
  es_event_profile_add_t* profile_add;
  es_event_profile_remove_t* profile_remove;
  es_event_su_t* su;
  es_event_authorization_petition_t* authorization_petition;
  es_event_authorization_judgement_t* authorization_judgement;
  es_event_sudo_t* sudo;
  es_event_od_group_add_t* od_group_add;
  es_event_od_group_remove_t* od_group_remove;
  es_event_od_group_set_t* od_group_set;
  es_event_od_modify_password_t* od_modify_password;
  es_event_od_disable_user_t* od_disable_user;
  es_event_od_enable_user_t* od_enable_user;
  es_event_od_attribute_value_add_t* od_attribute_value_add;
  es_event_od_attribute_value_remove_t* od_attribute_value_remove;
  es_event_od_attribute_set_t* od_attribute_set;
  es_event_od_create_user_t* od_create_user;
  es_event_od_create_group_t* od_create_group;
  es_event_od_delete_user_t* od_delete_user;
  es_event_od_delete_group_t* od_delete_group;
  es_event_xpc_connect_t* xpc_connect;
  es_event_gatekeeper_user_override_t* gatekeeper_user_override;
  es_event_tcc_modify_t* tcc_modify;
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
