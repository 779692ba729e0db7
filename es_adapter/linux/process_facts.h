// What /proc tells about the process behind an event.
//
// Thread-safe: reads /proc only, allocates nothing. The process of an AUTH
// event cannot go away while it is held, unless it is killed; then, and for a
// process of another pid namespace, facts are missing and stay 0.
#pragma once

#include <bsm/libbsm.h>
#include <sys/time.h>
#include <sys/types.h>

#include <cstddef>
#include <span>

namespace gatehouse {

struct ProcessFacts {
  audit_token_t token = {};
  pid_t parent_pid = 0;
  pid_t group_id = 0;
  pid_t session_id = 0;
  timeval start_time = {};  // Since boot, in steps of one clock tick.
};

// `pid` 0 means unknown: nothing is looked up.
[[nodiscard]] ProcessFacts ReadProcessFacts(pid_t pid);

// Writes what the symbolic link `path` points to, and a NUL, to `buffer`.
// Returns the length without the NUL; 0 if it cannot be read. A result of
// buffer.size() - 1 may be cut short.
[[nodiscard]] size_t ReadLink(const char* path, std::span<char> buffer);

}  // namespace gatehouse
