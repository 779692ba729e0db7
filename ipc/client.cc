#include "ipc/client.h"

#include <unistd.h>

#include "ipc/message.h"
#include "ipc/peer.h"
#include "ipc/socket.h"

namespace gatehouse {

Result<IpcClient> IpcClient::Connect(const std::string& run_directory) {
  Result<UniqueFd> connected = ConnectTo(run_directory, kConnectTimeout);
  if (!connected) return Unexpected(connected.error());
  const Result<PeerCredentials> peer = PeerOf(connected->UnsafeFd());
  if (!peer) return Unexpected(peer.error());
  if (peer->uid != 0 && peer->uid != ::geteuid()) {
    return Fail(ErrorCode::kNotPermitted,
                "connect to the daemon: user " + std::to_string(peer->uid) +
                    " serves the socket, and only root may");
  }
  // Nothing that the daemon says comes with descriptors.
  return IpcClient(Connection(std::move(*connected), 0));
}

Result<bool> IpcClient::Send(const Json& request,
                             std::span<const int> unsafe_fds) {
  return connection_.Send(request, unsafe_fds, kClientSendTimeout);
}

Result<Json> IpcClient::Receive(std::chrono::milliseconds timeout) {
  Result<IpcMessage> message = connection_.Receive(timeout);
  if (!message) return Unexpected(message.error());
  if (TypeOf(message->body) == kErrorType) {
    return Unexpected(ErrorOf(message->body));
  }
  return std::move(message->body);
}

}  // namespace gatehouse
