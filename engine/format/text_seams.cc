#include "engine/format/text_seams.h"

#include <algorithm>
#include <cassert>

#include "engine/format/normalised_text.h"
#include "engine/format/text_blocks.h"

namespace gatehouse {
namespace {

// Of a long word, so much is copied at once.
constexpr size_t kSeamPieceBytes = 64;

size_t CountDropped(ByteView block) {
  const auto end = std::find_if(block.begin(), block.end(), [](uint8_t c) {
    return TextByteClass(c) != TextByte::kDropped;
  });
  return static_cast<size_t>(end - block.begin());
}

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
    size_t taken = 0;
    if (is_in_seam_) {
      taken = TakeSeam(block, seams);
    } else if (has_dropped_) {
      taken = TakeDropped(block, seams);
    } else {
      taken = TakeKept(block);
    }
    block = block.subspan(taken);
  }
}

// Words without dropped bytes, and what is dropped behind them.
size_t TextSeams::TakeKept(ByteView block) {
  const size_t kept = KeptTextBytes(block);
  RememberWord(block.first(kept));
  const size_t taken = kept + CountDropped(block.subspan(kept));
  has_dropped_ = taken != kept && !word_.empty();
  return taken;
}

void TextSeams::RememberWord(ByteView bytes) {
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

// What follows the dropped bytes of a word: its end, or more of it.
size_t TextSeams::TakeDropped(ByteView block, std::vector<uint8_t>& seams) {
  const size_t dropped = CountDropped(block);
  if (dropped == block.size()) return dropped;
  if (TextByteClass(block[dropped]) == TextByte::kSpace) {
    Begin();
    return dropped + 1;
  }
  const ByteView word = AsBytes(word_);
  seams.insert(seams.end(), word.begin(), word.end());
  is_in_seam_ = true;
  return dropped;
}

// The rest of a word with a seam, or some of it.
size_t TextSeams::TakeSeam(ByteView block, std::vector<uint8_t>& seams) {
  const ByteView piece = block.first(std::min(block.size(), kSeamPieceBytes));
  const size_t before = seams.size();
  seams.resize(before + piece.size());
  uint8_t* const output = seams.data() + before;
  size_t read = 0;
  size_t written = 0;
  for (const uint8_t c : piece) {
    const TextByte kind = TextByteClass(c);
    if (kind == TextByte::kSpace) break;
    output[written] = c;
    written += kind == TextByte::kDropped ? 0U : 1U;
    ++read;
  }
  seams.resize(before + written);
  if (read == piece.size()) return read;
  seams.push_back(0);
  Begin();
  return read + 1;
}

}  // namespace gatehouse
