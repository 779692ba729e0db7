#include "daemon/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace gatehouse {
namespace {

// The content of the lock file while a daemon runs; empty after a clean end.
constexpr std::string_view kRunning = "running\n";

// A daemon that was killed holds the lock until its worker is gone too.
constexpr int kLockAttempts = 100;
constexpr timespec kLockPause = {0, 10'000'000};

// Returns 0 or an errno value.
int LockWithPatience(int fd) {
  for (int attempt = 1;; ++attempt) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK || attempt == kLockAttempts) return errno;
    (void)::nanosleep(&kLockPause, nullptr);
  }
}

}  // namespace

Result<bool> EnsureDirectory(const std::string& path, unsigned int mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return FailSystem("create directory '" + path + "'", errno);
  }
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    return FailSystem("stat '" + path + "'", errno);
  }
  if (!S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kOperational, "'" + path + "' is not a directory");
  }
  // Whoever can write there could put links where we create files.
  if (status.st_uid != ::geteuid() ||
      (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Fail(ErrorCode::kNotPermitted,
                "'" + path +
                    "' must belong to the user of the daemon and be "
                    "writable by nobody else");
  }
  return true;
}

Result<StateLock> StateLock::Take(const std::string& directory) {
  const Result<bool> made = EnsureDirectory(directory, S_IRWXU);
  if (!made) return Unexpected(made.error());
  const std::string path = directory + "/lock";
  StateLock lock;
  lock.fd_.Reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                        S_IRUSR | S_IWUSR));
  if (!lock.fd_.valid()) return FailSystem("open '" + path + "'", errno);
  const int error_number = LockWithPatience(lock.fd_.UnsafeFd());
  if (error_number == EWOULDBLOCK) {
    return Fail(ErrorCode::kOperational, "state directory '" + directory +
                                             "' is in use by another daemon");
  }
  if (error_number != 0) return FailSystem("lock '" + path + "'", error_number);
  std::array<char, 16> content = {};
  const ssize_t count =
      ::pread(lock.fd_.UnsafeFd(), content.data(), content.size(), 0);
  lock.previous_run_unclean_ = count > 0;
  if (::pwrite(lock.fd_.UnsafeFd(), kRunning.data(), kRunning.size(), 0) < 0) {
    return FailSystem("write '" + path + "'", errno);
  }
  return lock;
}

void StateLock::MarkCleanEnd() {
  (void)!::ftruncate(fd_.UnsafeFd(), 0);  // Else the next start reports it.
}

}  // namespace gatehouse
