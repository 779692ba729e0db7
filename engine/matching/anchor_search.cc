#include "engine/matching/anchor_search.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "engine/matching/layer_rules.h"

namespace gatehouse {
namespace {

// Little-endian; bytes that are not there are zero.
uint32_t WordOf(ByteView bytes) {
  uint32_t word = 0;
  if (bytes.size() >= sizeof(word)) [[likely]] {
    std::memcpy(&word, bytes.data(), sizeof(word));
    return word;
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    word |= uint32_t{bytes[i]} << (8 * i);
  }
  return word;
}

// Of fewer anchors a look at each is as fast.
constexpr uint32_t kFilteredMin = 8;

uint32_t HashOf(uint32_t value) { return value * 0x9e3779b1U; }

bool LookAlike(const AnchorUse& a, const AnchorUse& b) {
  return a.offset == b.offset && a.distance == b.distance && a.mask == b.mask;
}

}  // namespace

AnchorSearch::AnchorSearch(const SignatureTables& tables) : tables_(tables) {
  for (const ShardRecord& shard : tables_.shards) {
    first_groups_.push_back(static_cast<uint32_t>(groups_.size()));
    for (uint32_t i = 0; i < shard.anchor_count; ++i) {
      const uint32_t at = shard.anchor_begin + i;
      if (i == 0 || !LookAlike(tables_.anchors[at - 1], tables_.anchors[at])) {
        groups_.push_back({at, at});
      }
      groups_.back().end = at + 1;
    }
  }
  for (Group& group : groups_) AddFilter(group);
  first_groups_.push_back(static_cast<uint32_t>(groups_.size()));
}

void AnchorSearch::AddFilter(Group& group) {
  if (group.end - group.begin < kFilteredMin) return;
  group.filter = static_cast<uint32_t>(filters_.size());
  Filter& filter = filters_.emplace_back();
  for (uint32_t i = group.begin; i < group.end; ++i) {
    filter.set(HashOf(tables_.anchors[i].value) >> (32 - kFilterBits));
  }
}

bool AnchorSearch::MayWant(const Group& group, uint32_t value) const {
  return group.filter == kNoFilter ||
         filters_[group.filter].test(HashOf(value) >> (32 - kFilterBits));
}

const std::vector<AnchorSearch::Found>& AnchorSearch::Find(const Layer& layer,
                                                           size_t shard) {
  found_.clear();
  const auto groups = std::span(groups_).subspan(
      first_groups_[shard], first_groups_[shard + 1] - first_groups_[shard]);
  bool has_offset = false;
  uint32_t offset = 0;
  bool has_word = false;
  uint64_t word_place = 0;
  uint32_t word = 0;
  for (const Group& group : groups) {
    const auto anchors =
        tables_.anchors.subspan(group.begin, group.end - group.begin);
    const AnchorUse& first = anchors.front();
    if (!has_offset || first.offset != offset) {
      has_offset = true;
      offset = first.offset;
      StartsOf(tables_.offsets[offset], layer, starts_);
    }
    if (starts_.empty()) continue;
    const uint64_t place = starts_.front().first;
    if (!has_word || place + first.distance != word_place) {
      has_word = true;
      word_place = place + first.distance;
      word = WordOf(layer.content.At(word_place, sizeof(word)));
    }
    const uint32_t value = first.mask & word;
    if (!MayWant(group, value)) continue;
    auto anchor = std::lower_bound(
        anchors.begin(), anchors.end(), value,
        [](const AnchorUse& one, uint32_t v) { return one.value < v; });
    for (; anchor != anchors.end() && anchor->value == value; ++anchor) {
      found_.push_back({&*anchor, place});
    }
  }
  return found_;
}

}  // namespace gatehouse
