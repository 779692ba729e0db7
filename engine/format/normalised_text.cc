#include "engine/format/normalised_text.h"

#include <algorithm>
#include <cassert>

#include "engine/format/text_blocks.h"

namespace gatehouse {
namespace {

// Output is filled in steps that stay in the cache from the clearing of the new
// bytes of a vector to the writing over them.
constexpr size_t kStepBytes = size_t{16} << 10;

// Byte by byte. `output` has room for `input.size()` bytes.
TextBlocksResult NormaliseBytes(ByteView input, uint8_t* output,
                                bool after_space) {
  size_t written = 0;
  for (const uint8_t c : input) {
    const TextByte kind = TextByteClass(c);
    if (kind == TextByte::kDropped) continue;
    const bool is_space = kind == TextByte::kSpace;
    if (is_space && after_space) continue;
    after_space = is_space;
    const uint8_t lowered =
        kind == TextByte::kLowered ? static_cast<uint8_t>(c | 0x20) : c;
    output[written++] = is_space ? uint8_t{' '} : lowered;
  }
  return {input.size(), written, after_space};
}

}  // namespace

bool HasDroppedByte(ByteView block) {
  return KeptTextBytes(block) != block.size();
}

void TextNormaliser::Feed(ByteView block, std::vector<uint8_t>& output) {
  while (!block.empty() && !limit_reached_) {
    const size_t old_size = output.size();
    const ByteView step = block.first(std::min(block.size(), kStepBytes));
    output.resize(old_size + step.size());
    uint8_t* const target = output.data() + old_size;
    const TextBlocksResult blocks =
        NormaliseTextBlocks(step, target, ends_in_space_);
    const TextBlocksResult rest =
        NormaliseBytes(step.subspan(blocks.consumed), target + blocks.written,
                       blocks.ends_in_space);
    assert(blocks.written + rest.written <= step.size());
    const size_t written = blocks.written + rest.written;
    limit_reached_ = written > room_bytes_;
    const size_t kept = std::min(written, room_bytes_);
    output.resize(old_size + kept);
    room_bytes_ -= kept;
    ends_in_space_ = rest.ends_in_space;
    block = block.subspan(step.size());
  }
}

bool NormaliseText(ByteView text, size_t output_bytes_max,
                   std::vector<uint8_t>& output) {
  TextNormaliser normaliser(output_bytes_max);
  normaliser.Feed(text, output);
  return normaliser.limit_reached();
}

}  // namespace gatehouse
