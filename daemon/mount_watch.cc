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

Result<std::unique_ptr<MountWatch>> MountWatch::Start(
    std::function<void()> on_change) {
  UniqueFd mounts(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  if (!mounts.valid()) return FailSystem("open '/proc/self/mountinfo'", errno);
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return FailSystem("watch mounts", errno);
  return std::unique_ptr<MountWatch>(
      new MountWatch(std::move(mounts), std::move(wake), std::move(on_change)));
}

MountWatch::MountWatch(UniqueFd mounts, UniqueFd wake,
                       std::function<void()> on_change)
    : mounts_(std::move(mounts)),
      wake_(std::move(wake)),
      on_change_(std::move(on_change)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

MountWatch::~MountWatch() {
  thread_.request_stop();
  const uint64_t one = 1;
  (void)!::write(wake_.UnsafeFd(), &one, sizeof(one));  // Full: awake anyway.
}

void MountWatch::Run(const std::stop_token& stop) {
  SetThreadName("gh-mounts");
  UseOrdinaryPriority();
  while (!stop.stop_requested()) {
    on_change_();
    // The kernel compares with what it last told this descriptor: a change
    // during the call ends the wait at once.
    std::array<pollfd, 2> waits = {
        {{mounts_.UnsafeFd(), POLLPRI, 0}, {wake_.UnsafeFd(), POLLIN, 0}}};
    (void)::poll(waits.data(), waits.size(), -1);
  }
}

}  // namespace gatehouse
