// The audit token and its accessors, as macOS has them: who did it.
//
// Thread-safe: pure functions on a value.
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

// On Linux: [0] audit user id (as [3]), [1] effective uid, [2] effective gid,
// [3] real uid, [4] real gid, [5] pid (0: in another pid namespace, unknown),
// [6] session id, [7] pid version (low bits of the process's start time).
typedef struct {
  unsigned int val[8];
} audit_token_t;

uid_t audit_token_to_euid(audit_token_t token);
gid_t audit_token_to_egid(audit_token_t token);
uid_t audit_token_to_ruid(audit_token_t token);
gid_t audit_token_to_rgid(audit_token_t token);
pid_t audit_token_to_pid(audit_token_t token);
int audit_token_to_pidversion(audit_token_t token);

#ifdef __cplusplus
}  // extern "C"
#endif
