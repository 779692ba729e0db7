// SeenStarts: where a pattern may start, told by the places where its trigger
// was seen, so that it is not searched for in the whole layer.
//
// One thread at a time; keeps its memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/format/content.h"
#include "engine/matching/part_matcher.h"
#include "engine/matching/pattern_search.h"
#include "engine/matching/work_budget.h"
#include "signatures/byte_pattern.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

// Places that a literal leaves open for the start of its part; of more, the
// whole layer is searched.
inline constexpr uint32_t kDistancesMax = 64;

// All places behind a trigger where it was seen.
struct SeenTrigger {
  const TriggerUse* use = nullptr;  // Null: they are not known.
  std::span<const uint64_t> ends;   // In order.
};

class SeenStarts {
 public:
  // Leaves of `starts` (ascending, apart) those from which the pattern with
  // these parts may match with the trigger's literal in it. When the
  // budget is used up, more may be left.
  void Narrow(Content& content, const std::vector<PatternPart>& parts,
              const SeenTrigger& seen, WorkBudget& budget,
              std::vector<PlaceInterval>& starts);

 private:
  PartMatcher matcher_;
  std::vector<PlaceInterval> seen_;
  std::vector<PlaceInterval> both_;
};

}  // namespace gatehouse
