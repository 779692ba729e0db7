// SessionPool: the threads that answer requests, and how many there may be.
//
// Start and Reap belong to one thread, the server's; the rest is thread-safe.
// Owns the threads and, through them, the connections.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <thread>

#include "base/mutex.h"
#include "ipc/half_open.h"
#include "ipc/server_limits.h"
#include "ipc/session.h"

namespace gatehouse {

class SessionPool {
 public:
  // `on_end` is called at the end of each session, on its thread: Reap has
  // something to do. `statistics` outlives the pool.
  SessionPool(SessionHandler handler, const ServerLimits& limits,
              ServerStatistics& statistics, std::function<void()> on_end);
  // Ends all connections, so that no session can go on for long, and waits.
  ~SessionPool();
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  // Starts a session for a connection whose first frame is complete, and takes
  // it. Returns false and leaves it alone when there are too many.
  [[nodiscard]] bool Start(HalfOpenConnection& connection);

  // Joins the threads whose session is over.
  void Reap();

 private:
  struct Running {
    std::jthread thread;
    uid_t uid = 0;
    int unsafe_socket = -1;  // -1: over, or about to close its socket.
  };

  bool HasRoomFor(uid_t uid) const GATEHOUSE_REQUIRES(mutex_);
  void Run(Running& running, HalfOpenConnection connection);
  void End(Running& running);

  const SessionHandler handler_;
  const ServerLimits limits_;
  ServerStatistics& statistics_;
  const std::function<void()> on_end_;
  Mutex mutex_;
  std::list<Running> running_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
