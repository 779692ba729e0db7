// For processors without a fast part.
#include "engine/format/byte_pairs.h"

namespace gatehouse {

size_t FindPair(const BytePair& pair, std::string_view text, size_t from) {
  return FindPairAnywhere(pair, text, from);
}

unsigned PairsIn(const BytePairs& pairs, std::string_view text) {
  return PairsInAnywhere(pairs, text);
}

}  // namespace gatehouse
