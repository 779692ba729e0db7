// TextSeams: the words of a text that normalisation joins from pieces.
//
// A word is what stands between white space. Where none of its bytes is
// dropped, a word of the normalised text stands in the text as well, in any
// case. The others are here: without the dropped bytes, each followed by a NUL,
// which no normalised text has. So whoever looks for a word looks through the
// text and through the seams.
//
// Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace gatehouse {

class TextSeams {
 public:
  // Of a word that is longer, as many bytes before its first dropped one are
  // enough.
  explicit TextSeams(size_t reach_bytes);

  // A new text.
  void Begin();
  // Appends the seams of the next block of the text; where the blocks are cut
  // does not matter. Its last word may go on in the next block.
  void Feed(ByteView block, std::vector<uint8_t>& seams);

 private:
  // Each takes the beginning of a block: how much.
  size_t TakeKept(ByteView block);
  size_t TakeDropped(ByteView block, std::vector<uint8_t>& seams);
  size_t TakeSeam(ByteView block, std::vector<uint8_t>& seams);
  void RememberWord(ByteView bytes);

  const size_t reach_bytes_;
  std::string word_;  // The end of one without a seam, so far.
  bool is_in_seam_ = false;
  bool has_dropped_ = false;  // Behind word_.
};

}  // namespace gatehouse
