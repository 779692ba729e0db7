// Hyperscan and OpenSSL ask the C library for memory, not operator new.
#include <cstddef>

#include "tests/engine/counted_allocations.h"

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier): glibc's names.
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(size_t bytes) {  // Replaces, does not call.
  ++gatehouse::counted_allocations;
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {  // As above.
  ++gatehouse::counted_allocations;
  return __libc_calloc(count, bytes);
}

}  // extern "C"
