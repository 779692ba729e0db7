#include "engine/matching/seen_starts.h"

#include <algorithm>
#include <limits>

namespace gatehouse {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// From where a pattern begins to where its part `index` does.
struct Lead {
  uint64_t min = 0;
  uint64_t max = 0;  // kUnlimited: anything.
};

Lead LeadOf(const std::vector<PatternPart>& parts, size_t index) {
  Lead lead;
  for (size_t i = 0; i < index; ++i) {
    lead.min += uint64_t{parts[i].length_min} + parts[i + 1].gap_min;
    if (parts[i + 1].gap_max == kUnlimitedGap) lead.max = kUnlimited;
    if (lead.max == kUnlimited) continue;
    lead.max += uint64_t{parts[i].length_max} + parts[i + 1].gap_max;
  }
  return lead;
}

}  // namespace

void SeenStarts::Narrow(Content& content, const std::vector<PatternPart>& parts,
                        const SeenTrigger& seen, WorkBudget& budget,
                        std::vector<PlaceInterval>& starts) {
  const TriggerUse& use = *seen.use;
  if (use.part >= parts.size() ||
      use.distance_max - use.distance_min > kDistancesMax) {
    return;
  }
  const PatternPart& part = parts[use.part];
  const Lead lead = LeadOf(parts, use.part);
  seen_.clear();
  for (const uint64_t end : seen.ends) {
    const uint64_t place = end - use.length;
    for (uint32_t d = use.distance_min; d <= use.distance_max; ++d) {
      if (place < d + lead.min) continue;
      const uint64_t begin = place - d;
      if (!budget.Take(kLookUnits)) return;
      if (matcher_.EndsAt(content, part, begin).empty()) continue;
      seen_.push_back({begin - std::min(begin, lead.max), begin - lead.min});
    }
  }
  MergeIntervals(seen_);
  both_.clear();
  auto one = seen_.begin();
  for (const PlaceInterval& start : starts) {
    while (one != seen_.end() && one->last < start.first) ++one;
    for (auto next = one; next != seen_.end() && next->first <= start.last;
         ++next) {
      both_.push_back({std::max(start.first, next->first),
                       std::min(start.last, next->last)});
    }
  }
  starts.swap(both_);
}

}  // namespace gatehouse
