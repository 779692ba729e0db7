#include "daemon/shared_state.h"

#include <sys/mman.h>

#include <new>

namespace gatehouse {

SharedState* CreateSharedState() {
  void* memory = ::mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  return ::new (memory) SharedState();
}

}  // namespace gatehouse
