// Asks for bytes before they are read.
//
// Processors do that by themselves for what is read in order, but not across
// the border of a page, where the first of many bytes that are not in a near
// cache are then waited for. Thread-safe: a hint, without any effect but speed.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace gatehouse {

// Half a page: far enough for what is far away, and near enough to be there
// when it is read.
inline constexpr size_t kFetchedAheadBytes = 2048;

// What stands so far behind `place`, whether that is readable or not.
inline void FetchAhead(const void* place) {
  // Not as a pointer: it may be beyond what the place belongs to.
  const auto ahead = std::bit_cast<uintptr_t>(place) + kFetchedAheadBytes;
  __builtin_prefetch(std::bit_cast<const void*>(ahead));
}

}  // namespace gatehouse
