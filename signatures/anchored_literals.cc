#include "signatures/anchored_literals.h"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace gatehouse {
namespace {

// Literals of a group are found by their first two bytes.
constexpr size_t kPrefixBytes = 2;

uint32_t Prefix(ByteView bytes) { return (uint32_t{bytes[0]} << 8) | bytes[1]; }

}  // namespace

AnchoredLiterals::AnchoredLiterals(std::vector<AnchoredLiteral> literals)
    : literals_(std::move(literals)) {
  std::sort(literals_.begin(), literals_.end(),
            [](const AnchoredLiteral& a, const AnchoredLiteral& b) {
              return std::tie(a.offset, a.bytes, a.id) <
                     std::tie(b.offset, b.bytes, b.id);
            });
  for (size_t i = 0; i < literals_.size(); ++i) {
    const AnchoredLiteral& literal = literals_[i];
    assert(literal.bytes.size() >= kPrefixBytes);
    longest_ = std::max(longest_, literal.bytes.size());
    if (groups_.empty() || groups_.back().offset != literal.offset) {
      groups_.push_back({literal.offset, i, i});
    }
    groups_.back().last = i + 1;
  }
}

void AnchoredLiterals::FindIn(ByteView window, uint64_t window_offset,
                              size_t seen_bytes, MatchedIds& matched) const {
  assert(seen_bytes <= window.size());
  auto group = std::lower_bound(
      groups_.begin(), groups_.end(), window_offset,
      [](const Group& g, uint64_t offset) { return g.offset < offset; });
  for (; group != groups_.end(); ++group) {
    const uint64_t start = group->offset - window_offset;
    if (start + kPrefixBytes > window.size()) break;
    const size_t seen = seen_bytes > start ? seen_bytes - start : 0;
    FindInGroup(*group, window.subspan(start), seen, matched);
  }
}

void AnchoredLiterals::FindInGroup(const Group& group, ByteView at_offset,
                                   size_t seen_bytes,
                                   MatchedIds& matched) const {
  const uint32_t prefix = Prefix(at_offset);
  const AnchoredLiteral* const end = literals_.data() + group.last;
  const AnchoredLiteral* literal =
      std::lower_bound(literals_.data() + group.first, end, prefix,
                       [](const AnchoredLiteral& candidate, uint32_t wanted) {
                         return Prefix(candidate.bytes) < wanted;
                       });
  for (; literal != end && Prefix(literal->bytes) == prefix; ++literal) {
    const size_t length = literal->bytes.size();
    if (length <= seen_bytes || length > at_offset.size()) continue;
    if (std::equal(literal->bytes.begin(), literal->bytes.end(),
                   at_offset.begin())) {
      matched.Add(literal->id);
    }
  }
}

}  // namespace gatehouse
