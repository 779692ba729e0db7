#include "engine/matching/pattern_search.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "engine/matching/probe_search.h"

namespace gatehouse {
namespace {

// Shorter intervals are tried place by place.
constexpr uint64_t kFewPlaces = 16;
constexpr size_t kIntervalsMax = size_t{1} << 16;
// For each of more than kIntervalsMax places that are remembered.
constexpr uint64_t kManyUnits = 1024;

}  // namespace

struct PatternSearch::Task {
  Content& content;
  WorkBudget& budget;
  const std::vector<PatternPart>& parts;
  uint64_t enough = kAll;
  MatchCount found = {};
  uint64_t tried_until = 0;      // Starts before it were tried in this part.
  uint64_t smallest_end = kAll;  // Of this part.
  std::optional<ProbeSearch> search = {};   // For it, once it is asked for.
  std::vector<uint64_t>* begins = nullptr;  // Of the last part, if asked for.
};

MatchCount PatternSearch::Count(Content& content, ByteView program,
                                const std::vector<PlaceInterval>& starts,
                                uint64_t enough, WorkBudget& budget) {
  const auto parts = PartsOf(program);
  return parts ? Count(content, *parts, starts, enough, budget) : MatchCount();
}

MatchCount PatternSearch::Count(Content& content,
                                const std::vector<PatternPart>& parts,
                                const std::vector<PlaceInterval>& starts,
                                uint64_t enough, WorkBudget& budget) {
  Task task{content, budget, parts, enough};
  Run(task, starts);
  CountEndsBefore(task, kAll);
  return task.found;
}

void PatternSearch::AddBegins(Content& content, ByteView program,
                              const std::vector<PlaceInterval>& starts,
                              WorkBudget& budget,
                              std::vector<uint64_t>& begins) {
  const auto parts = PartsOf(program);
  if (!parts) return;
  Task task{content, budget, *parts};
  task.begins = &begins;
  Run(task, starts);
}

void PatternSearch::Run(Task& task, const std::vector<PlaceInterval>& starts) {
  now_ = starts;
  last_ends_.clear();
  for (size_t part = 0; part < task.parts.size() && !now_.empty(); ++part) {
    next_.clear();
    SearchPart(task, part);
    MergeIntervals(next_);
    now_.swap(next_);
  }
}

void MergeIntervals(std::vector<PlaceInterval>& intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const PlaceInterval& a, const PlaceInterval& b) {
              return a.first < b.first;
            });
  size_t kept = 0;
  for (const PlaceInterval& interval : intervals) {
    if (kept != 0 && interval.first <= intervals[kept - 1].last) {
      intervals[kept - 1].last =
          std::max(intervals[kept - 1].last, interval.last);
    } else {
      intervals[kept++] = interval;
    }
  }
  intervals.resize(kept);
}

void PatternSearch::SearchPart(Task& task, size_t part) {
  task.tried_until = 0;
  task.smallest_end = kAll;
  task.search.reset();
  const PatternPart& what = task.parts[part];
  const uint64_t size = task.content.size();
  if (size < what.length_min) return;
  const uint64_t last = size - what.length_min;
  for (PlaceInterval interval : now_) {
    interval.last = std::min(interval.last, last);
    if (interval.first > interval.last) continue;
    if (!SearchInterval(task, part, interval)) return;
  }
}

bool PatternSearch::TryEach(Task& task, size_t part,
                            const PlaceInterval& interval) {
  for (uint64_t at = interval.first; at <= interval.last; ++at) {
    if (!TryAt(task, part, at)) return false;
  }
  return true;
}

// False: no need to go on.
bool PatternSearch::SearchInterval(Task& task, size_t part,
                                   PlaceInterval interval) {
  if (interval.last - interval.first < kFewPlaces) {
    return TryEach(task, part, interval);
  }
  if (!task.search) task.search.emplace(task.parts[part]);
  const ProbeSearch& search = *task.search;
  if (!search.is_usable()) return TryEach(task, part, interval);
  uint64_t at = interval.first + search.distance_min();
  const uint64_t end = interval.last + search.distance_max();  // Included.
  while (at <= end) {
    const uint64_t wanted =
        std::min<uint64_t>(end - at + search.span(), kContentWindowMax);
    const ByteView chunk = task.content.At(at, wanted);
    if (chunk.size() < search.span()) break;
    if (!task.budget.Take(chunk.size() / kSearchDivisor + 1)) return false;
    places_.clear();
    for (size_t place = search.Find(chunk, 0); place != ProbeSearch::kNone;
         place = search.Find(chunk, place + 1)) {
      places_.push_back(at + place);
    }
    if (!TryPlaces(task, part, interval, search)) return false;
    at += chunk.size() - search.span() + 1;
  }
  return true;
}

// Tries every start that the places in places_ allow, each once.
bool PatternSearch::TryPlaces(Task& task, size_t part,
                              const PlaceInterval& interval,
                              const ProbeSearch& search) {
  for (const uint64_t place : places_) {
    if (place < search.distance_min()) continue;
    const uint64_t first =
        std::max({interval.first, task.tried_until,
                  place - std::min<uint64_t>(place, search.distance_max())});
    const uint64_t last =
        std::min(interval.last, place - search.distance_min());
    for (uint64_t start = first; start <= last; ++start) {
      if (!TryAt(task, part, start)) return false;
    }
    task.tried_until = std::max(task.tried_until, last + 1);
  }
  return true;
}

bool PatternSearch::TryAt(Task& task, size_t part, uint64_t begin) {
  const PatternPart& what = task.parts[part];
  if (!task.budget.Take(kLookUnits + what.length_max / kSearchDivisor)) {
    return false;
  }
  const std::vector<uint64_t>& ends =
      matcher_.EndsAt(task.content, what, begin);
  return ends.empty() || Arrive(task, part, begin, ends);
}

// The part matches from `begin` to each of `ends`.
bool PatternSearch::Arrive(Task& task, size_t part, uint64_t begin,
                           const std::vector<uint64_t>& ends) {
  if (part + 1 == task.parts.size()) {
    task.found.last_begin = std::max(task.found.last_begin, begin);
    if (task.begins != nullptr) {
      task.begins->push_back(begin);
      return task.begins->size() <= kIntervalsMax ||
             task.budget.Take(kManyUnits);
    }
    if (part == 0) return ++task.found.count < task.enough;
    return AddLastEnds(task, begin, ends);
  }
  const PatternPart& after = task.parts[part + 1];
  if (after.gap_max == kUnlimitedGap) {
    task.smallest_end = std::min(task.smallest_end, ends.front());
    next_.assign(1, {task.smallest_end + after.gap_min, task.content.size()});
    // Nothing that starts later ends before it.
    return begin + task.parts[part].length_min < task.smallest_end;
  }
  if (next_.size() + ends.size() > kIntervalsMax) {
    MergeIntervals(next_);
    if (next_.size() + ends.size() > kIntervalsMax &&
        !task.budget.Take(kLookUnits * kIntervalsMax)) {
      return false;
    }
  }
  for (const uint64_t end : ends) {
    next_.push_back({end + after.gap_min, end + after.gap_max});
  }
  return true;
}

// Of several parts, different ends of the last one are counted. Starts come in
// ascending order, so most ends need not be remembered for long.
bool PatternSearch::AddLastEnds(Task& task, uint64_t begin,
                                const std::vector<uint64_t>& ends) {
  last_ends_.insert(last_ends_.end(), ends.begin(), ends.end());
  if (task.enough <= 1) return false;
  if (last_ends_.size() > kIntervalsMax) {
    CountEndsBefore(task, begin + task.parts.back().length_min);
  }
  return task.found.count < task.enough;
}

void PatternSearch::CountEndsBefore(Task& task, uint64_t end) {
  std::sort(last_ends_.begin(), last_ends_.end());
  const auto all = std::unique(last_ends_.begin(), last_ends_.end());
  const auto counted = std::lower_bound(last_ends_.begin(), all, end);
  task.found.count += static_cast<uint64_t>(counted - last_ends_.begin());
  last_ends_.erase(all, last_ends_.end());
  last_ends_.erase(last_ends_.begin(), counted);
}

}  // namespace gatehouse
