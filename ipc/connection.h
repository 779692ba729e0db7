// Connection: whole messages over one socket, each within a time.
//
// One thread at a time. Owns the socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "ipc/frame_reader.h"
#include "ipc/json.h"

namespace gatehouse {

struct IpcMessage {
  Json body;  // An object.
  std::vector<UniqueFd> descriptors;
};

// Makes a message of a frame. Errors: those of ParseObject.
Result<IpcMessage> IpcMessageOf(FrameReader::Frame frame);

class Connection {
 public:
  // `descriptors_max`: how many may come with one message. Works with blocking
  // and non-blocking sockets.
  Connection(UniqueFd socket, size_t descriptors_max)
      : socket_(std::move(socket)), reader_(descriptors_max) {}

  // Blocks until the kernel has taken the whole message. `unsafe_fds`, at most
  // kFrameDescriptorsMax, stay the caller's. Errors: kLimitExceeded (too long:
  // nothing was sent), kUnreachable (the peer has gone or reads too slowly),
  // kOperational. After an error other than kLimitExceeded only Receive may
  // still succeed.
  Result<bool> Send(const Json& body, std::span<const int> unsafe_fds,
                    std::chrono::milliseconds timeout);

  // Blocks until Receive has something to do, be it to find that the peer has
  // gone; false: not within `timeout`. Errors: kOperational.
  Result<bool> WaitToReceive(std::chrono::milliseconds timeout);

  // Blocks until a whole message is there. Errors: kUnreachable (the peer has
  // gone, or `timeout` is over), kInvalidInput and kLimitExceeded (no message
  // of ours), kOperational; afterwards nothing more can be received.
  Result<IpcMessage> Receive(std::chrono::milliseconds timeout);

  // Borrowed: valid as long as this object.
  int UnsafeFd() const { return socket_.UnsafeFd(); }

 private:
  UniqueFd socket_;
  FrameReader reader_;
};

}  // namespace gatehouse
