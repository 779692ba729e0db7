#include "ipc/server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/thread_name.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "ipc/half_open.h"
#include "ipc/message.h"
#include "ipc/session_pool.h"

namespace gatehouse {
namespace {

// Per turn, so that those who are connected get their turn too.
constexpr size_t kAcceptsPerTurn = 64;
constexpr size_t kEventsPerTurn = 64;
// Without descriptors or memory, accepting pauses instead of spinning.
constexpr std::chrono::milliseconds kAcceptPause{100};

bool IsShortage(int error_number) {
  return error_number == EMFILE || error_number == ENFILE ||
         error_number == ENOBUFS || error_number == ENOMEM;
}

// Relaxed: a counter, and nothing else hangs on it.
void Count(std::atomic<uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

// Says why, if the socket takes it at once; it is closed afterwards anyhow.
void Dismiss(UniqueFd socket, const Error& error) {
  Connection connection(std::move(socket), 0);
  (void)connection.Send(ErrorFrame(error), {}, std::chrono::milliseconds{0});
}

}  // namespace

class IpcServer::Loop {
 public:
  Loop(int unsafe_listener_fd, SessionHandler handler,
       const ServerLimits& limits, ServerStatistics& statistics)
      : unsafe_listener_fd_(unsafe_listener_fd),
        limits_(limits),
        statistics_(statistics),
        half_open_(limits),
        sessions_(std::move(handler), limits, statistics, [this] { Wake(); }) {}

  ~Loop() {
    (void)thread_.request_stop();
    if (wake_.valid()) Wake();
    if (thread_.joinable()) thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Result<bool> Start();

 private:
  void Turn();
  void Wake() const;
  bool Watch(int fd) const;
  void WatchListener(bool on);
  int TimeoutMs(MonotonicTime now) const;
  void AcceptSome(MonotonicTime now);
  void Welcome(UniqueFd socket, MonotonicTime now);
  void PauseAccepting(MonotonicTime now);
  void Read(int fd, MonotonicTime now);

  const int unsafe_listener_fd_;
  const ServerLimits limits_;
  ServerStatistics& statistics_;
  UniqueFd epoll_;
  UniqueFd wake_;  // An eventfd.
  // The rest belongs to the thread.
  HalfOpenConnections half_open_;
  SessionPool sessions_;
  bool is_accepting_ = false;
  MonotonicTime accept_again_at_ = kNever;
  std::jthread thread_;
};

Result<bool> IpcServer::Loop::Start() {
  epoll_.Reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return FailSystem("make an epoll set", errno);
  wake_.Reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_.valid()) return FailSystem("make an eventfd", errno);
  if (!Watch(wake_.UnsafeFd())) return FailSystem("watch an eventfd", errno);
  WatchListener(true);
  if (!is_accepting_) return FailSystem("watch the listening socket", errno);
  // Relaxed: a counter.
  statistics_.sessions_now.store(0, std::memory_order_relaxed);
  thread_ = std::jthread([this](const std::stop_token& stop) {
    SetThreadName("gh-ipc");
    UseOrdinaryPriority();
    while (!stop.stop_requested()) Turn();
  });
  return true;
}

void IpcServer::Loop::Turn() {
  std::array<epoll_event, kEventsPerTurn> events = {};
  const int count =
      ::epoll_wait(epoll_.UnsafeFd(), events.data(), int{kEventsPerTurn},
                   TimeoutMs(MonotonicClock::now()));
  const MonotonicTime now = MonotonicClock::now();
  // Those who wait come before those who arrive.
  bool is_listener_ready = false;
  for (int i = 0; i < count; ++i) {
    const int fd = events.at(static_cast<size_t>(i)).data.fd;
    if (fd == unsafe_listener_fd_) {
      is_listener_ready = true;
    } else if (fd == wake_.UnsafeFd()) {
      eventfd_t ignored = 0;
      (void)::eventfd_read(fd, &ignored);  // Only to make it quiet.
    } else {
      Read(fd, now);
    }
  }
  sessions_.Reap();
  for (size_t i = half_open_.Expire(now); i > 0; --i) {
    Count(statistics_.expired);
  }
  if (!is_accepting_ && now >= accept_again_at_) {
    accept_again_at_ = kNever;
    WatchListener(true);
  }
  if (is_listener_ready) AcceptSome(now);
}

// Also called by the threads of sessions.
void IpcServer::Loop::Wake() const {
  // Fails only when the counter is full: then it wakes anyhow.
  (void)::eventfd_write(wake_.UnsafeFd(), 1);
}

bool IpcServer::Loop::Watch(int fd) const {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return ::epoll_ctl(epoll_.UnsafeFd(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void IpcServer::Loop::WatchListener(bool on) {
  if (on) {
    is_accepting_ = Watch(unsafe_listener_fd_);
    // No memory for it: a pause, and again.
    if (!is_accepting_) accept_again_at_ = MonotonicClock::now() + kAcceptPause;
    return;
  }
  is_accepting_ = false;
  (void)::epoll_ctl(epoll_.UnsafeFd(), EPOLL_CTL_DEL, unsafe_listener_fd_,
                    nullptr);  // It is in the set.
}

int IpcServer::Loop::TimeoutMs(MonotonicTime now) const {
  const MonotonicTime next =
      std::min(half_open_.NextExpiry(), accept_again_at_);
  if (next == kNever) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now);
  return static_cast<int>(
      std::clamp<int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

void IpcServer::Loop::AcceptSome(MonotonicTime now) {
  for (size_t i = 0; i < kAcceptsPerTurn; ++i) {
    UniqueFd socket(::accept4(unsafe_listener_fd_, nullptr, nullptr,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.valid()) {
      Count(statistics_.accepted);
      Welcome(std::move(socket), now);
      continue;
    }
    if (IsShortage(errno)) PauseAccepting(now);
    // Nobody else is there, or that one has gone again: the next turn tells.
    return;
  }
}

void IpcServer::Loop::Welcome(UniqueFd socket, MonotonicTime now) {
  Result<PeerCredentials> peer = PeerOf(socket.UnsafeFd());
  if (!peer) {
    Count(statistics_.refused);
    return Dismiss(std::move(socket), peer.error());
  }
  switch (half_open_.MakeRoom(peer->uid, now)) {
    case HalfOpenConnections::Room::kFree:
      break;
    case HalfOpenConnections::Room::kEvicted:
      Count(statistics_.evicted);
      break;
    case HalfOpenConnections::Room::kNone:
      Count(statistics_.refused);
      return Dismiss(std::move(socket),
                     {ErrorCode::kBusy, "too many connections are waiting"});
  }
  const int fd = socket.UnsafeFd();
  if (!Watch(fd)) {
    Count(statistics_.refused);
    return;
  }
  half_open_.Add({std::move(socket), std::move(*peer),
                  FrameReader(limits_.request_descriptors_max), now, now});
  // Most clients have sent their request by now.
  Read(fd, now);
}

void IpcServer::Loop::PauseAccepting(MonotonicTime now) {
  if (half_open_.EvictOne(now)) Count(statistics_.evicted);
  WatchListener(false);
  accept_again_at_ = now + kAcceptPause;
}

void IpcServer::Loop::Read(int fd, MonotonicTime now) {
  HalfOpenConnection* const connection = half_open_.Find(fd);
  // An event for one that went earlier in this turn.
  if (connection == nullptr) return;
  const Result<bool> is_complete = connection->reader.ReadAvailable(fd);
  if (is_complete && !*is_complete) {
    connection->last_heard_at = now;
    return;
  }
  HalfOpenConnection taken = half_open_.Take(fd);
  if (is_complete) {
    // A session that reads further does so by itself.
    (void)::epoll_ctl(epoll_.UnsafeFd(), EPOLL_CTL_DEL, fd, nullptr);
    if (sessions_.Start(taken)) return;
    Count(statistics_.refused);
    return Dismiss(std::move(taken.socket),
                   {ErrorCode::kBusy, "too many requests are being answered"});
  }
  if (is_complete.error().code == ErrorCode::kUnreachable) return;
  Count(statistics_.malformed);
  Dismiss(std::move(taken.socket), is_complete.error());
}

IpcServer::IpcServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

IpcServer::~IpcServer() = default;

Result<std::unique_ptr<IpcServer>> IpcServer::Start(
    int unsafe_listener_fd, SessionHandler handler, const ServerLimits& limits,
    ServerStatistics& statistics) {
  auto loop = std::make_unique<Loop>(unsafe_listener_fd, std::move(handler),
                                     limits, statistics);
  const Result<bool> is_running = loop->Start();
  if (!is_running) return Unexpected(is_running.error());
  return std::unique_ptr<IpcServer>(new IpcServer(std::move(loop)));
}

}  // namespace gatehouse
