#include "ipc/session.h"

#include "ipc/message.h"

namespace gatehouse {

Session::Session(Connection connection, PeerCredentials peer,
                 IpcMessage request, std::chrono::milliseconds send_timeout)
    : connection_(std::move(connection)),
      peer_(std::move(peer)),
      request_(std::move(request)),
      send_timeout_(send_timeout) {}

Result<bool> Session::Send(const Json& frame) {
  return connection_.Send(frame, {}, send_timeout_);
}

Result<bool> Session::SendError(const Error& error) {
  return Send(ErrorFrame(error));
}

Result<IpcMessage> Session::Receive(std::chrono::milliseconds timeout) {
  Result<IpcMessage> message = connection_.Receive(timeout);
  if (!message && (message.error().code == ErrorCode::kInvalidInput ||
                   message.error().code == ErrorCode::kLimitExceeded)) {
    (void)SendError(message.error());  // Best effort: it may have gone.
  }
  return message;
}

}  // namespace gatehouse
