// The fast part of normalising text: blocks of 16 bytes at once, where the
// processor can do that.
//
// Thread-safe: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace gatehouse {

struct TextBlocksResult {
  size_t consumed = 0;  // A multiple of 16: what is left is shorter, or all.
  size_t written = 0;
  bool ends_in_space = false;
};

// Writes the normalised form of the beginning of `input` to `output`, which has
// room for `input.size()` bytes. `after_space`: the last byte written before
// stands for white space.
[[nodiscard]] TextBlocksResult NormaliseTextBlocks(ByteView input,
                                                   uint8_t* output,
                                                   bool after_space);

// How many bytes stand at the beginning of `input` that normalisation does not
// drop wherever they stand.
[[nodiscard]] size_t KeptTextBytes(ByteView input);

}  // namespace gatehouse
