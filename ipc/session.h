// Session: one request of one client, and the way to answer it.
//
// One thread: the one that the handler is called on. Owns the connection; the
// server closes it when the handler returns.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "ipc/connection.h"
#include "ipc/json.h"
#include "ipc/peer.h"

namespace gatehouse {

class Session {
 public:
  Session(Connection connection, PeerCredentials peer, IpcMessage request,
          std::chrono::milliseconds send_timeout);

  // Who asks, from the kernel. Decide by this and by nothing in the request.
  const PeerCredentials& peer() const { return peer_; }

  // The first message: an object, and nothing else is known of it. See
  // ParseRequest.
  const Json& request() const { return request_.body; }
  size_t descriptor_count() const { return request_.descriptors.size(); }
  // The descriptors that came with the request; once. Foreign: what they refer
  // to has to be found out without blocking.
  [[nodiscard]] std::vector<UniqueFd> TakeDescriptors() {
    return std::exchange(request_.descriptors, {});
  }

  // Sends one frame; blocks for at most ServerLimits::send_timeout. On any
  // error but kLimitExceeded (the frame is too long: nothing was sent), the
  // session is over and the handler returns.
  Result<bool> Send(const Json& frame);
  Result<bool> SendError(const Error& error);

  // True when Receive has something to do; see Connection::WaitToReceive.
  Result<bool> WaitToReceive(std::chrono::milliseconds timeout) {
    return connection_.WaitToReceive(timeout);
  }

  // The next frame, within `timeout`. What is no frame of ours is answered
  // with an error frame here. On any error the session is over.
  Result<IpcMessage> Receive(std::chrono::milliseconds timeout);

 private:
  Connection connection_;
  PeerCredentials peer_;
  IpcMessage request_;
  std::chrono::milliseconds send_timeout_;
};

// Answers one request. Called on a thread of its own, several at once. Returns
// soon after Send or Receive have failed, which is also how the server's end
// shows. Throws nothing.
using SessionHandler = std::function<void(Session&)>;

}  // namespace gatehouse
