#include "engine/matching/gram_blocks.h"

#include <cassert>

namespace gatehouse {

// Without a branch that depends on what is found: every place is written, and
// kept when it counts.
size_t FindGramsAnywhere(const GramLane& lane, ByteView bytes, size_t end,
                         uint32_t* places) {
  assert(end <= kGramBlockBytes);
  size_t found = 0;
  for (size_t at = 0; at < end; at += kGramStride) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof(word));
    places[found] = static_cast<uint32_t>(at);
    found += lane.MayHave(word) ? 1U : 0U;
  }
  return found;
}

}  // namespace gatehouse
