// IpcServer: accepts connections from anybody, reads one request from each and
// lets a handler answer it.
//
// Thread-safe after Start. Owns its threads and all connections; borrows the
// listener.
//
// One thread, gh-ipc, holds every connection until its first frame is complete:
// a client that sends nothing costs a descriptor and no thread. Then the
// request moves to a thread of its own. Whoever comes in large numbers is told
// "busy", and others are not.
#pragma once

#include <memory>

#include "base/result.h"
#include "ipc/server_limits.h"
#include "ipc/session.h"

namespace gatehouse {

class IpcServer {
 public:
  // `unsafe_listener_fd` is what ListenOn returned; it and `statistics` outlive
  // the server. sessions_now starts at 0 again; the other counters go on.
  // Errors: kOperational, kLimitExceeded (no descriptors).
  static Result<std::unique_ptr<IpcServer>> Start(int unsafe_listener_fd,
                                                  SessionHandler handler,
                                                  const ServerLimits& limits,
                                                  ServerStatistics& statistics);

  // Accepts nothing more, ends all connections, and waits for the handlers.
  ~IpcServer();
  IpcServer(const IpcServer&) = delete;
  IpcServer& operator=(const IpcServer&) = delete;

 private:
  class Loop;
  explicit IpcServer(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
};

}  // namespace gatehouse
