// InterruptWatcher: turns Ctrl-C and a termination request into a stop token.
//
// Owns a thread. Create it on the main thread before any other thread exists:
// it blocks the signals there, and the others inherit that.
#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace gatehouse {

class InterruptWatcher {
 public:
  InterruptWatcher();
  ~InterruptWatcher();
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;

  // Stops when SIGINT, SIGTERM or SIGHUP arrives.
  std::stop_token token() const { return interrupted_.get_token(); }

 private:
  void Run();

  sigset_t signals_ = {};
  std::stop_source interrupted_;
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

}  // namespace gatehouse
