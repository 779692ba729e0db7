#include "ipc/peer.h"

#include <sys/socket.h>

#include <cerrno>

namespace gatehouse {
namespace {

// Most people are in fewer groups; otherwise the kernel says how many.
constexpr size_t kGroupsExpected = 64;

}  // namespace

Result<PeerCredentials> PeerOf(int unsafe_socket) {
  ucred credentials = {};
  socklen_t bytes = sizeof(credentials);
  if (::getsockopt(unsafe_socket, SOL_SOCKET, SO_PEERCRED, &credentials,
                   &bytes) != 0) {
    return FailSystem("ask who the peer is", errno);
  }
  PeerCredentials peer;
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  peer.pid = credentials.pid;
  peer.groups.resize(kGroupsExpected);
  bytes = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
  int outcome = ::getsockopt(unsafe_socket, SOL_SOCKET, SO_PEERGROUPS,
                             peer.groups.data(), &bytes);
  if (outcome != 0 && errno == ERANGE) {
    peer.groups.resize(bytes / sizeof(gid_t));
    outcome = ::getsockopt(unsafe_socket, SOL_SOCKET, SO_PEERGROUPS,
                           peer.groups.data(), &bytes);
  }
  if (outcome != 0) return FailSystem("ask for the peer's groups", errno);
  peer.groups.resize(bytes / sizeof(gid_t));
  return peer;
}

}  // namespace gatehouse
