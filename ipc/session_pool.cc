#include "ipc/session_pool.h"

#include <sys/socket.h>

#include <iterator>
#include <system_error>
#include <utility>

#include "base/thread_name.h"
#include "ipc/message.h"

namespace gatehouse {

SessionPool::SessionPool(SessionHandler handler, const ServerLimits& limits,
                         ServerStatistics& statistics,
                         std::function<void()> on_end)
    : handler_(std::move(handler)),
      limits_(limits),
      statistics_(statistics),
      on_end_(std::move(on_end)) {}

SessionPool::~SessionPool() {
  std::list<Running> last;
  {
    const MutexLock lock(mutex_);
    for (const Running& running : running_) {
      // The session's next call fails; a handler that calls none has to end by
      // itself.
      if (running.unsafe_socket >= 0) {
        (void)::shutdown(running.unsafe_socket, SHUT_RDWR);
      }
    }
    // The nodes stay where they are: their threads know them.
    last.splice(last.end(), running_);
  }
  for (Running& running : last) running.thread.join();
}

bool SessionPool::Start(HalfOpenConnection& connection) {
  const MutexLock lock(mutex_);
  if (!HasRoomFor(connection.peer.uid)) return false;
  Running& running = running_.emplace_back();
  running.uid = connection.peer.uid;
  running.unsafe_socket = connection.socket.UnsafeFd();
  // Relaxed, here and below: a counter.
  statistics_.sessions_now.fetch_add(1, std::memory_order_relaxed);
  try {
    running.thread =
        std::jthread([this, &running, owned = std::move(connection)]() mutable {
          SetThreadName("gh-session");
          UseOrdinaryPriority();
          Run(running, std::move(owned));
        });
  } catch (const std::system_error&) {
    // No more threads: the connection is closed without a word.
    statistics_.sessions_now.fetch_sub(1, std::memory_order_relaxed);
    statistics_.refused.fetch_add(1, std::memory_order_relaxed);
    running_.pop_back();
  }
  return true;
}

void SessionPool::Reap() {
  std::list<Running> over;
  {
    const MutexLock lock(mutex_);
    for (auto at = running_.begin(); at != running_.end();) {
      const auto next = std::next(at);
      if (at->unsafe_socket < 0) over.splice(over.end(), running_, at);
      at = next;
    }
  }
  for (Running& running : over) running.thread.join();
}

bool SessionPool::HasRoomFor(uid_t uid) const {
  size_t all = 0;
  size_t of_root = 0;
  size_t of_user = 0;
  for (const Running& running : running_) {
    if (running.unsafe_socket < 0) continue;
    ++all;
    if (running.uid == 0) ++of_root;
    if (running.uid == uid) ++of_user;
  }
  if (all >= limits_.sessions_max) return false;
  if (of_user >= limits_.sessions_per_user_max) return false;
  return uid == 0 ||
         all - of_root + limits_.sessions_for_root < limits_.sessions_max;
}

void SessionPool::Run(Running& running, HalfOpenConnection connection) {
  Result<IpcMessage> request = IpcMessageOf(connection.reader.Take());
  Connection open(std::move(connection.socket), kFrameDescriptorsMax);
  if (!request) {
    statistics_.malformed.fetch_add(1, std::memory_order_relaxed);
    // Best effort: it may have gone.
    (void)open.Send(ErrorFrame(request.error()), {}, limits_.send_timeout);
    End(running);
    return;
  }
  Session session(std::move(open), std::move(connection.peer),
                  std::move(*request), limits_.send_timeout);
  handler_(session);
  End(running);
  // Here the socket is closed: whoever sees that can start the next session.
}

void SessionPool::End(Running& running) {
  {
    const MutexLock lock(mutex_);
    running.unsafe_socket = -1;
  }
  statistics_.sessions_now.fetch_sub(1, std::memory_order_relaxed);
  on_end_();
}

}  // namespace gatehouse
