#include "daemon/mount_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/thread_name.h"

namespace gatehouse {

Result<std::unique_ptr<MountWatch>> MountWatch::Start(Parts parts) {
  UniqueFd mounts(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!mounts.valid()) return FailSystem("open '/proc/self/mountinfo'", errno);
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return FailSystem("watch mounts", errno);
  return std::unique_ptr<MountWatch>(
      new MountWatch(std::move(mounts), std::move(wake), std::move(parts)));
}

MountWatch::MountWatch(UniqueFd mounts, UniqueFd wake, Parts parts)
    : mounts_(std::move(mounts)),
      wake_(std::move(wake)),
      parts_(std::move(parts)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

MountWatch::~MountWatch() {
  thread_.request_stop();
  const uint64_t one = 1;
  (void)!::write(wake_.UnsafeFd(), &one, sizeof(one));  // Full: awake anyway.
}

void MountWatch::Run(const std::stop_token& stop) {
  SetThreadName("gh-mounts");
  UseOrdinaryPriority();
  const int calm_ms =
      parts_.calm.count() == 0 ? -1 : static_cast<int>(parts_.calm.count());
  bool has_changed = true;
  while (!stop.stop_requested()) {
    (has_changed ? parts_.on_change : parts_.on_calm)();
    // The kernel compares with what it last told this descriptor: a change
    // during the call ends the wait at once.
    std::array<pollfd, 2> waits = {
        {{mounts_.UnsafeFd(), POLLPRI, 0}, {wake_.UnsafeFd(), POLLIN, 0}}};
    has_changed = ::poll(waits.data(), waits.size(), calm_ms) != 0;
  }
}

}  // namespace gatehouse
