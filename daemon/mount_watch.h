// MountWatch: tells when something was mounted or unmounted.
//
// Polls /proc/self/mountinfo, which every kernel has: it wakes at once, and
// sees the mount namespace of this process only (proc_pid_mountinfo(5)): what
// others mount in theirs is for somebody to look at from time to time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace gatehouse {

class MountWatch {
 public:
  struct Parts {
    // Called on a thread of ours: once at the start, and after each change.
    // Several changes may be one call.
    std::function<void()> on_change;
    // Called there whenever nothing has changed for that long; 0: never.
    std::function<void()> on_calm;
    std::chrono::milliseconds calm{0};
  };
  static Result<std::unique_ptr<MountWatch>> Start(Parts parts);
  // Waits until a call that goes on has returned.
  ~MountWatch();
  MountWatch(const MountWatch&) = delete;
  MountWatch& operator=(const MountWatch&) = delete;

 private:
  MountWatch(UniqueFd mounts, UniqueFd wake, Parts parts);
  void Run(const std::stop_token& stop);

  const UniqueFd mounts_;
  const UniqueFd wake_;  // eventfd: stop.
  const Parts parts_;
  std::jthread thread_;  // Last: it uses the members above.
};

}  // namespace gatehouse
