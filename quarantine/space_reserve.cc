#include "quarantine/space_reserve.h"

#include <cerrno>

namespace gatehouse {

Result<bool> SpaceReserve::Fill() {
  const Result<FileFacts> there =
      files_.IdentityIn(unsafe_state_fd_, kSpaceReserveName);
  if (there) return true;
  const Result<uint64_t> free_bytes = files_.FreeBytes(unsafe_state_fd_);
  if (!free_bytes) return Unexpected(free_bytes.error());
  if (*free_bytes < kFreeBytesMin + kBytes) return false;
  const Result<UniqueFd> file = files_.CreateUnnamed(unsafe_state_fd_);
  if (!file) return Unexpected(file.error());
  Result<bool> done = files_.Allocate(file->UnsafeFd(), kBytes);
  if (done) {
    done = files_.Link(file->UnsafeFd(), unsafe_state_fd_, kSpaceReserveName);
  }
  // Somebody else was first.
  if (!done && done.error().error_number == EEXIST) return true;
  return done;
}

bool SpaceReserve::Release() {
  const Result<bool> done = files_.Unlink(unsafe_state_fd_, kSpaceReserveName);
  if (done) was_released_.store(true);
  return done.has_value();
}

}  // namespace gatehouse
