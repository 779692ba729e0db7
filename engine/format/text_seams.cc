#include "engine/format/text_seams.h"

#include <algorithm>
#include <cassert>

#include "engine/format/normalised_text.h"
#include "engine/format/text_blocks.h"

namespace gatehouse {
namespace {

// Taken byte by byte behind a dropped byte, before blocks are tried again.
constexpr size_t kSlowBytes = 16;

}  // namespace

TextSeams::TextSeams(size_t reach_bytes) : reach_bytes_(reach_bytes) {
  assert(reach_bytes != 0);
  word_.reserve(2 * reach_bytes);
}

void TextSeams::Begin() {
  word_.clear();
  is_in_seam_ = false;
  has_dropped_ = false;
}

void TextSeams::Feed(ByteView block, std::vector<uint8_t>& seams) {
  while (!block.empty()) {
    if (!is_in_seam_ && !has_dropped_) {
      const size_t kept = KeptTextBytes(block);
      SkipKept(block.first(kept));
      block = block.subspan(kept);
    }
    const ByteView slow = block.first(std::min(block.size(), kSlowBytes));
    for (const uint8_t c : slow) Take(c, seams);
    block = block.subspan(slow.size());
  }
}

void TextSeams::SkipKept(ByteView bytes) {
  if (bytes.empty()) return;
  const ByteView last = bytes.last(std::min(bytes.size(), reach_bytes_));
  const auto space = std::find_if(last.rbegin(), last.rend(), [](uint8_t c) {
    return TextByteClass(c) == TextByte::kSpace;
  });
  const auto count = static_cast<size_t>(space - last.rbegin());
  if (count < bytes.size()) word_.clear();
  word_ += AsText(last.last(count));
  if (word_.size() > reach_bytes_) {
    word_.erase(0, word_.size() - reach_bytes_);
  }
}

void TextSeams::Take(uint8_t c, std::vector<uint8_t>& seams) {
  switch (TextByteClass(c)) {
    case TextByte::kSpace:
      if (is_in_seam_) seams.push_back(0);
      return Begin();
    case TextByte::kDropped:
      has_dropped_ = has_dropped_ || !word_.empty();
      return;
    case TextByte::kKept:
    case TextByte::kLowered:
      break;
  }
  if (has_dropped_ && !is_in_seam_) {
    const ByteView word = AsBytes(word_);
    seams.insert(seams.end(), word.begin(), word.end());
    is_in_seam_ = true;
  }
  if (is_in_seam_) {
    seams.push_back(c);
    return;
  }
  if (word_.size() == reach_bytes_) word_.erase(0, 1);
  word_ += static_cast<char>(c);
}

}  // namespace gatehouse
