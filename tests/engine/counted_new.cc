#include <cstdlib>
#include <new>

#include "tests/engine/counted_allocations.h"

namespace {

void* CountedAllocation(size_t bytes) {
  ++gatehouse::counted_new;
  ++gatehouse::counted_allocations;
  void* const memory = std::malloc(bytes);  // What operator new stands on.
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) { return CountedAllocation(bytes); }
void* operator new[](size_t bytes) { return CountedAllocation(bytes); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return CountedAllocation(bytes);
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return CountedAllocation(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);  // The counterpart of CountedAllocation.
}
void operator delete[](void* memory) noexcept {
  std::free(memory);  // As above.
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);  // As above.
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);  // As above.
}
