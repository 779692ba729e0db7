// By memchr, which every library has a fast one of.
#include "engine/format/byte_pairs.h"

namespace gatehouse {

size_t FindPair(const BytePair& pair, std::string_view text, size_t from) {
  for (size_t at = text.find(static_cast<char>(pair.first), from);
       at != std::string_view::npos;
       at = text.find(static_cast<char>(pair.first), at + 1)) {
    if (at + 1 < text.size() && pair.HasSecond(text[at + 1])) return at;
  }
  return std::string_view::npos;
}

}  // namespace gatehouse
