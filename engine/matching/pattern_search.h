// PatternSearch: where, and how often, a whole pattern matches in a content.
//
// Exact, whatever the file holds: part by part, the places where the next part
// may start are kept as intervals, and each interval is searched once. So the
// work is the number of parts times the size, never a product of matches; a
// WorkBudget limits even that.
//
// Thread-compatible. Borrows all but its own memory, which it keeps.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/format/content.h"
#include "engine/matching/part_matcher.h"
#include "engine/matching/probe_search.h"
#include "engine/matching/work_budget.h"
#include "signatures/byte_pattern.h"

namespace gatehouse {

// Both included.
struct PlaceInterval {
  uint64_t first = 0;
  uint64_t last = 0;
};

// Makes them ascending and apart.
void MergeIntervals(std::vector<PlaceInterval>& intervals);

struct MatchCount {
  // Of a pattern of one part: different starts; of more: different ends.
  uint64_t count = 0;
  uint64_t last_begin = 0;  // Of the last match; if there is one.
};

class PatternSearch {
 public:
  static constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();

  // Matches whose first byte is in one of `starts` (ascending, apart). Stops
  // counting at `enough`. Zero when the program is broken. When the budget is
  // used up, the count is of what was found until then.
  MatchCount Count(Content& content, ByteView program,
                   const std::vector<PlaceInterval>& starts, uint64_t enough,
                   WorkBudget& budget);
  // The same, of a program with these parts.
  MatchCount Count(Content& content, const std::vector<PatternPart>& parts,
                   const std::vector<PlaceInterval>& starts, uint64_t enough,
                   WorkBudget& budget);
  // Adds where the last parts of these matches begin.
  void AddBegins(Content& content, ByteView program,
                 const std::vector<PlaceInterval>& starts, WorkBudget& budget,
                 std::vector<uint64_t>& begins);

  PartMatcher& part_matcher() { return matcher_; }

 private:
  struct Task;

  void Run(Task& task, const std::vector<PlaceInterval>& starts);
  void SearchPart(Task& task, size_t part);
  bool SearchInterval(Task& task, size_t part, PlaceInterval interval);
  bool TryEach(Task& task, size_t part, const PlaceInterval& interval);
  bool TryPlaces(Task& task, size_t part, const PlaceInterval& interval,
                 const ProbeSearch& search);
  bool TryAt(Task& task, size_t part, uint64_t begin);
  bool Arrive(Task& task, size_t part, uint64_t begin,
              const std::vector<uint64_t>& ends);
  bool AddLastEnds(Task& task, uint64_t begin,
                   const std::vector<uint64_t>& ends);
  void CountEndsBefore(Task& task, uint64_t end);

  PartMatcher matcher_;
  std::vector<PlaceInterval> now_;
  std::vector<PlaceInterval> next_;
  std::vector<uint64_t> places_;
  std::vector<uint64_t> last_ends_;  // Of the last of several parts.
};

}  // namespace gatehouse
