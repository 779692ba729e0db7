#include "ipc/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "base/bytes.h"
#include "base/time.h"

namespace gatehouse {
namespace {

// Waits until `unsafe_fd` has `events` or is broken; false when it is too late.
Result<bool> WaitFor(int unsafe_fd, short events, MonotonicTime give_up_at) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        give_up_at - MonotonicClock::now());
    if (left.count() <= 0) return false;
    const auto timeout_ms =
        std::min<int64_t>(left.count(), std::numeric_limits<int>::max());
    pollfd waiting = {unsafe_fd, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(timeout_ms));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) {
      return FailSystem("wait for the peer", errno);
    }
  }
}

// What one message is for sendmsg, and how much of it has been sent.
class Outgoing {
 public:
  Outgoing(std::string bytes, std::span<const int> unsafe_fds)
      : bytes_(std::move(bytes)), unsafe_fds_(unsafe_fds) {}

  bool is_done() const { return sent_ == bytes_.size(); }

  // As sendmsg.
  ssize_t SendSome(int unsafe_socket) {
    iovec part = {bytes_.data() + sent_, bytes_.size() - sent_};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr)
        std::array<uint8_t, CMSG_SPACE(kFrameDescriptorsMax * sizeof(int))>
            control = {};
    if (sent_ == 0 && !unsafe_fds_.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(unsafe_fds_.size_bytes());
      cmsghdr* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(unsafe_fds_.size_bytes());
      std::memcpy(CMSG_DATA(header), unsafe_fds_.data(),
                  unsafe_fds_.size_bytes());
    }
    const ssize_t count =
        ::sendmsg(unsafe_socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) sent_ += static_cast<size_t>(count);
    return count;
  }

 private:
  std::string bytes_;
  std::span<const int> unsafe_fds_;
  size_t sent_ = 0;
};

}  // namespace

Result<IpcMessage> IpcMessageOf(FrameReader::Frame frame) {
  Result<Json> body = ParseObject(frame.payload);
  if (!body) return Unexpected(body.error());
  return IpcMessage{std::move(*body), std::move(frame.descriptors)};
}

Result<bool> Connection::Send(const Json& body, std::span<const int> unsafe_fds,
                              std::chrono::milliseconds timeout) {
  assert(unsafe_fds.size() <= kFrameDescriptorsMax);
  const std::string payload = JsonText(body);
  if (payload.size() > kFramePayloadBytesMax) {
    return Fail(ErrorCode::kLimitExceeded,
                "send a message: " + std::to_string(payload.size()) +
                    " bytes, at most " + std::to_string(kFramePayloadBytesMax) +
                    " may go");
  }
  const auto header =
      EncodeFrameHeader({static_cast<uint8_t>(unsafe_fds.size()),
                         static_cast<uint32_t>(payload.size())});
  Outgoing outgoing(std::string(AsText(header)) + payload, unsafe_fds);
  const MonotonicTime give_up_at = MonotonicClock::now() + timeout;
  while (!outgoing.is_done()) {
    if (outgoing.SendSome(socket_.UnsafeFd()) >= 0 || errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET) {
      return Fail(ErrorCode::kUnreachable,
                  "send a message: the connection was closed");
    }
    if (errno != EAGAIN) {
      return FailSystem("send a message", errno);
    }
    const Result<bool> is_ready =
        WaitFor(socket_.UnsafeFd(), POLLOUT, give_up_at);
    if (!is_ready) return is_ready;
    if (!*is_ready) {
      return Fail(ErrorCode::kUnreachable,
                  "send a message: the peer does not read");
    }
  }
  return true;
}

Result<bool> Connection::WaitToReceive(std::chrono::milliseconds timeout) {
  return WaitFor(socket_.UnsafeFd(), POLLIN, MonotonicClock::now() + timeout);
}

Result<IpcMessage> Connection::Receive(std::chrono::milliseconds timeout) {
  const MonotonicTime give_up_at = MonotonicClock::now() + timeout;
  for (;;) {
    const Result<bool> is_complete = reader_.ReadAvailable(socket_.UnsafeFd());
    if (!is_complete) return Unexpected(is_complete.error());
    if (*is_complete) return IpcMessageOf(reader_.Take());
    const Result<bool> is_ready =
        WaitFor(socket_.UnsafeFd(), POLLIN, give_up_at);
    if (!is_ready) return Unexpected(is_ready.error());
    if (!*is_ready) {
      return Fail(ErrorCode::kUnreachable,
                  "read a message: no answer came in " +
                      std::to_string(timeout.count()) + " ms");
    }
  }
}

}  // namespace gatehouse
