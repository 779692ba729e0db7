// AnchoredLiterals: byte strings that count only at one offset of a file.
//
// They stay out of Hyperscan on purpose. There, `aabb` at offset 4 would fire
// wherever a file holds `aabb`, and whoever writes the file chooses how often.
// Here the cost is one look per distinct offset, whatever the file holds, and
// offsets beyond 4 GiB need no second thought.
//
// Thread-safe after construction: immutable. Owns its bytes.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/bytes.h"
#include "signatures/matched_ids.h"

namespace gatehouse {

// Larger than every id.
inline constexpr uint32_t kNoSignature = std::numeric_limits<uint32_t>::max();

struct AnchoredLiteral {
  uint64_t offset = 0;         // Of the first byte, from the file's start.
  std::vector<uint8_t> bytes;  // Two or more.
  uint32_t id = 0;
};

class AnchoredLiterals {
 public:
  AnchoredLiterals() = default;
  explicit AnchoredLiterals(std::vector<AnchoredLiteral> literals);

  bool empty() const { return literals_.empty(); }
  // Bytes of the longest literal; 0 when empty.
  size_t longest() const { return longest_; }

  // `window` shows the file from `window_offset` on; its first `seen_bytes`
  // bytes were shown before. Adds the ids of the literals that lie inside the
  // window and end behind the seen part. A caller that repeats the last
  // longest() - 1 bytes misses none.
  void FindIn(ByteView window, uint64_t window_offset, size_t seen_bytes,
              MatchedIds& matched) const;

 private:
  struct Group {  // All literals of one offset: literals_[first, last).
    uint64_t offset = 0;
    size_t first = 0;
    size_t last = 0;
  };

  void FindInGroup(const Group& group, ByteView at_offset, size_t seen_bytes,
                   MatchedIds& matched) const;

  std::vector<AnchoredLiteral> literals_;  // By offset, then by bytes.
  std::vector<Group> groups_;              // By offset.
  size_t longest_ = 0;
};

}  // namespace gatehouse
