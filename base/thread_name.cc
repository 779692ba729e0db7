#include "base/thread_name.h"

#include <pthread.h>
#include <sys/resource.h>

#include <cassert>
#include <cstring>

namespace gatehouse {

void SetThreadName(const char* name) {
  assert(std::strlen(name) <= 15);
  // By the calling thread's own handle: works in a cloned worker too.
  (void)::pthread_setname_np(::pthread_self(), name);  // Display only.
}

void UseOrdinaryPriority() {
  (void)::setpriority(PRIO_PROCESS, 0, 0);  // Of this thread alone (Linux).
}

}  // namespace gatehouse
