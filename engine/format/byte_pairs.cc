#include "engine/format/byte_pairs.h"

namespace gatehouse {

size_t FindPairAnywhere(const BytePair& pair, std::string_view text,
                        size_t from) {
  const char first = static_cast<char>(pair.first);
  for (size_t at = text.find(first, from); at != std::string_view::npos;
       at = text.find(first, at + 1)) {
    if (at + 1 < text.size() && pair.HasSecond(text[at + 1])) return at;
  }
  return std::string_view::npos;
}

unsigned PairsInAnywhere(const BytePairs& pairs, std::string_view text) {
  unsigned found = 0;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    found |= pairs.first().Of(text[i]) & pairs.second().Of(text[i + 1]);
  }
  return found;
}

}  // namespace gatehouse
