// For processors without a fast part.
#include "engine/format/normalised_text.h"
#include "engine/format/text_blocks.h"

namespace gatehouse {

TextBlocksResult NormaliseTextBlocks(ByteView, uint8_t*, bool after_space) {
  return {0, 0, after_space};
}

size_t KeptTextBytes(ByteView input) { return CountKeptTextBytes(input); }

}  // namespace gatehouse
