#include "ipc/socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/display_text.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kLivenessTimeout{1000};
// Takes the execute bits, which mean nothing for a socket: 0666 is left.
constexpr mode_t kSocketUmask = 0111;

std::string PathOf(const std::string& run_directory) {
  return run_directory + "/" + kSocketName;
}

Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Fail(ErrorCode::kLimitExceeded,
                "use socket '" + DisplayText(path) + "': its path has " +
                    std::to_string(path.size()) + " bytes, at most " +
                    std::to_string(sizeof(address.sun_path) - 1) + " may be");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// The API wants its own kind of pointer.
const sockaddr* Generic(const sockaddr_un& address) {
  const void* const any = &address;
  return static_cast<const sockaddr*>(any);
}

// Removes a socket that nobody serves, and nothing else.
Result<bool> RemoveStale(const std::string& run_directory) {
  const std::string path = PathOf(run_directory);
  const std::string what = "replace socket '" + DisplayText(path) + "'";
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return true;
    return FailSystem(what, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Fail(ErrorCode::kOperational, what + ": it is no socket");
  }
  const Result<UniqueFd> other = ConnectTo(run_directory, kLivenessTimeout);
  if (other) {
    return Fail(ErrorCode::kBusy, what + ": another daemon serves it");
  }
  if (other.error().code != ErrorCode::kUnreachable) {
    return Unexpected(other.error());
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return FailSystem(what, errno);
  }
  return true;
}

Result<UniqueFd> MakeSocket(int flags) {
  UniqueFd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!made.valid()) return FailSystem("make a socket", errno);
  return made;
}

}  // namespace

Result<UniqueFd> ListenOn(const std::string& run_directory) {
  const std::string path = PathOf(run_directory);
  const Result<sockaddr_un> address = AddressOf(path);
  if (!address) return Unexpected(address.error());
  const Result<bool> is_free = RemoveStale(run_directory);
  if (!is_free) return Unexpected(is_free.error());
  Result<UniqueFd> listener = MakeSocket(SOCK_NONBLOCK);
  if (!listener) return listener;
  const mode_t before = ::umask(kSocketUmask);
  const int outcome =
      ::bind(listener->UnsafeFd(), Generic(*address), sizeof(*address));
  const int bind_error = errno;
  (void)::umask(before);
  const std::string what = "listen on '" + DisplayText(path) + "'";
  if (outcome != 0) return FailSystem(what, bind_error);
  if (::listen(listener->UnsafeFd(), kListenBacklog) != 0) {
    return FailSystem(what, errno);
  }
  return listener;
}

Result<UniqueFd> ConnectTo(const std::string& run_directory,
                           std::chrono::milliseconds timeout) {
  const std::string path = PathOf(run_directory);
  const std::string what =
      "connect to the daemon at '" + DisplayText(path) + "'";
  const Result<sockaddr_un> address = AddressOf(path);
  if (!address) return Unexpected(address.error());
  Result<UniqueFd> made = MakeSocket(0);
  if (!made) return made;
  // A full backlog makes connect wait; this ends the waiting.
  timeval wait = {};
  wait.tv_sec = timeout.count() / 1000;
  wait.tv_usec = timeout.count() % 1000 * 1000;
  if (::setsockopt(made->UnsafeFd(), SOL_SOCKET, SO_SNDTIMEO, &wait,
                   sizeof(wait)) != 0) {
    return FailSystem(what, errno);
  }
  int outcome = 0;
  do {
    outcome = ::connect(made->UnsafeFd(), Generic(*address), sizeof(*address));
  } while (outcome != 0 && errno == EINTR);
  if (outcome == 0) return made;
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
    case EAGAIN:
    case ETIMEDOUT: {
      Error error = SystemError(what, errno);
      error.code = ErrorCode::kUnreachable;
      return Unexpected(std::move(error));
    }
    default:
      return FailSystem(what, errno);
  }
}

void StopListening(const std::string& run_directory) {
  const std::string path = run_directory + "/" + kSocketName;
  (void)::unlink(path.c_str());  // Whoever took its place is told by nobody.
}

}  // namespace gatehouse
