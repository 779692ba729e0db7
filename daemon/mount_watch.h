// MountWatch: tells when something was mounted or unmounted.
//
// Polls /proc/self/mountinfo, which every kernel has: it wakes at once, and
// sees the mount namespace of this process only (proc_pid_mountinfo(5)).
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace gatehouse {

class MountWatch {
 public:
  // `on_change` is called on a thread of ours: once at the start, and after
  // each change. Several changes may be one call.
  static Result<std::unique_ptr<MountWatch>> Start(
      std::function<void()> on_change);
  // Waits until a call that goes on has returned.
  ~MountWatch();
  MountWatch(const MountWatch&) = delete;
  MountWatch& operator=(const MountWatch&) = delete;

 private:
  MountWatch(UniqueFd mounts, UniqueFd wake, std::function<void()> on_change);
  void Run(const std::stop_token& stop);

  const UniqueFd mounts_;
  const UniqueFd wake_;  // eventfd: stop.
  const std::function<void()> on_change_;
  std::jthread thread_;  // Last: it uses the members above.
};

}  // namespace gatehouse
