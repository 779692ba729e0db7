#include "cli/interrupt.h"

#include <pthread.h>

#include "base/thread_name.h"

namespace gatehouse {

InterruptWatcher::InterruptWatcher() {
  (void)::sigemptyset(&signals_);  // These fail only for unknown signals.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    (void)::sigaddset(&signals_, signal);
  }
  (void)::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  thread_ = std::thread([this] {
    SetThreadName("gh-interrupt");
    Run();
  });
}

InterruptWatcher::~InterruptWatcher() {
  // Sequentially consistent: sigwait below comes after it in any case.
  is_ending_ = true;
  (void)::pthread_kill(thread_.native_handle(), SIGTERM);  // Wakes it.
  thread_.join();
}

void InterruptWatcher::Run() {
  while (!is_ending_) {
    int signal = 0;
    if (::sigwait(&signals_, &signal) == 0 && !is_ending_) {
      (void)interrupted_.request_stop();
    }
  }
}

}  // namespace gatehouse
