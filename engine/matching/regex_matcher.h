// RegexMatcher: runs PCRE2 expressions over layers, within limits.
//
// Interpreted, not compiled to machine code: that would need memory that is
// both writable and executable. Expressions are compiled when they are first
// needed, and kept.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "engine/matching/pattern_search.h"
#include "engine/matching/work_budget.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

// A hundred times what the formats' first implementation tries, which leaves
// common expressions undecided on ordinary pages.
inline constexpr uint32_t kRegexMatchLimit = 10'000'000;
inline constexpr uint32_t kRegexHeapKibMax = 64 * 1024;
inline constexpr uint64_t kRegexBytesMax = uint64_t{100} << 20;
inline constexpr size_t kRegexesKeptMax = 4096;

class RegexMatcher {
 public:
  RegexMatcher();
  ~RegexMatcher();
  RegexMatcher(const RegexMatcher&) = delete;
  RegexMatcher& operator=(const RegexMatcher&) = delete;

  struct Task {
    uint32_t key = 0;  // Of the expression: equal keys are equal expressions.
    std::string_view expression;
    uint32_t options = 0;
    bool is_anywhere = true;
    PlaceInterval start;  // Else where it may start.
    uint64_t enough = 1;
  };

  // Counts matches in `subject`, at most `enough`, and charges the time it
  // took, a nanosecond a unit. A limit of PCRE2 that is hit uses up the budget:
  // then nobody knows.
  MatchCount Count(const Task& task, ByteView subject, WorkBudget& budget);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
