// Counts the allocations of the whole program it is linked into, which it does
// by replacing the allocation functions.
#pragma once

#include <atomic>

namespace gatehouse {

// By operator new.
inline std::atomic<int> counted_new{0};
// All: by malloc and calloc too, where no sanitizer owns those.
inline std::atomic<int> counted_allocations{0};

}  // namespace gatehouse
