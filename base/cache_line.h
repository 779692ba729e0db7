// The size of a cache line, for members that different threads write.
#pragma once

#include <cstddef>

namespace gatehouse {

// std::hardware_destructive_interference_size is missing from clang 14 and 16.
inline constexpr size_t kCacheLineBytes = 64;

}  // namespace gatehouse
