#include "ipc/frame_reader.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace gatehouse {
namespace {

constexpr size_t kReadBytes = 16384;
constexpr size_t kControlBytes = CMSG_SPACE(kFrameDescriptorsMax * sizeof(int));

// Owns at once what the kernel has put into our table.
void TakeDescriptors(msghdr& message, std::vector<UniqueFd>& descriptors) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      descriptors.emplace_back(fd);
    }
  }
}

}  // namespace

Result<bool> FrameReader::ReadAvailable(int unsafe_socket) {
  for (;;) {
    Result<bool> is_complete = ReadOnce(unsafe_socket);
    if (!is_complete) descriptors_.clear();
    if (!is_complete || *is_complete || would_block_) return is_complete;
  }
}

// One system call: at most to the end of the header or of the frame, so that
// what belongs to the next frame stays with it in the socket.
Result<bool> FrameReader::ReadOnce(int unsafe_socket) {
  std::array<uint8_t, kReadBytes> bytes;
  alignas(cmsghdr) std::array<uint8_t, kControlBytes> control;
  iovec part = {bytes.data(), std::min(decoder_.BytesWanted(), bytes.size())};
  assert(part.iov_len != 0);
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t count = 0;
  do {
    count = ::recvmsg(unsafe_socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  would_block_ = count < 0 && errno == EAGAIN;
  if (would_block_) return false;
  if (count < 0 && errno != ECONNRESET) {
    return FailSystem("read a message", errno);
  }
  if (count <= 0) {
    return Fail(ErrorCode::kUnreachable,
                "read a message: the connection was closed");
  }
  TakeDescriptors(message, descriptors_);
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return Fail(ErrorCode::kLimitExceeded,
                "read a frame: descriptors were lost on the way");
  }
  const ByteView arrived(bytes.data(), static_cast<size_t>(count));
  const Result<bool> is_complete = decoder_.Feed(arrived);
  if (!is_complete) return is_complete;
  const Result<bool> are_right = CheckDescriptors();
  if (!are_right) return are_right;
  return is_complete;
}

Result<bool> FrameReader::CheckDescriptors() const {
  size_t allowed = descriptors_max_;
  if (decoder_.has_header()) {
    const size_t announced = decoder_.header().descriptors;
    if (announced > descriptors_max_) {
      return Fail(ErrorCode::kLimitExceeded,
                  "read a frame: " + std::to_string(announced) +
                      " descriptors, at most " +
                      std::to_string(descriptors_max_) + " may come here");
    }
    allowed = announced;
  }
  const bool are_too_few = decoder_.has_header() &&
                           decoder_.BytesWanted() == 0 &&
                           descriptors_.size() < allowed;
  if (descriptors_.size() > allowed || are_too_few) {
    return Fail(ErrorCode::kInvalidInput,
                "read a frame: " + std::to_string(descriptors_.size()) +
                    " descriptors came, not as announced");
  }
  return true;
}

FrameReader::Frame FrameReader::Take() {
  return {decoder_.TakePayload(), std::exchange(descriptors_, {})};
}

}  // namespace gatehouse
