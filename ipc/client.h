// IpcClient: the side of mdatp of a connection to the daemon.
//
// One thread at a time. Owns its connection.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "ipc/connection.h"
#include "ipc/json.h"

namespace gatehouse {

inline constexpr std::chrono::milliseconds kConnectTimeout{2000};
inline constexpr std::chrono::milliseconds kClientSendTimeout{10000};

class IpcClient {
 public:
  // Errors: kUnreachable; kNotPermitted when the server's user is neither root
  // nor ours: whatever it would say deserves no trust.
  static Result<IpcClient> Connect(const std::string& run_directory);

  // Blocks for at most kClientSendTimeout. A server that has closed the
  // connection may have said why: Receive then tells.
  Result<bool> Send(const Json& request, std::span<const int> unsafe_fds = {});

  // True when Receive has something to do; see Connection::WaitToReceive.
  Result<bool> WaitToReceive(std::chrono::milliseconds timeout) {
    return connection_.WaitToReceive(timeout);
  }

  // The next frame of the answer, with its "$type". An error frame is returned
  // as the error it speaks of; the other errors are those of
  // Connection::Receive.
  Result<Json> Receive(std::chrono::milliseconds timeout);

 private:
  explicit IpcClient(Connection connection)
      : connection_(std::move(connection)) {}

  Connection connection_;
};

}  // namespace gatehouse
