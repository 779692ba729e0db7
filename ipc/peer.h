// PeerCredentials: who is at the other end of a socket, as the kernel says.
//
// Thread-compatible plain value; PeerOf is thread-safe.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"

namespace gatehouse {

// Those of the moment of connect, or, seen from a client, of listen. The pid
// is for logs only: it may be another process's by now.
struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
  std::vector<gid_t> groups;  // Supplementary ones.
};

// Errors: kOperational, when `unsafe_socket` is no Unix socket, for example.
Result<PeerCredentials> PeerOf(int unsafe_socket);

}  // namespace gatehouse
