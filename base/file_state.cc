#include "base/file_state.h"

namespace gatehouse {

int64_t Nanoseconds(const timespec& time) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  return int64_t{time.tv_sec} * kNsPerSecond + time.tv_nsec;
}

FileState StateOf(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size,
          Nanoseconds(status.st_mtim), Nanoseconds(status.st_ctim)};
}

}  // namespace gatehouse
