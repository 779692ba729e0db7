// Logic expressions of logical signatures: parsed text and its evaluation.
//
// Thread safety: free functions on values. Ownership: everything is a value.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "tests/signatures/oracle/pattern.h"

namespace gatehouse::oracle {

// "=n", ">n,m" and so on behind an index or a group.
struct CountRule {
  char comparison = '=';
  uint64_t count = 0;
  std::optional<uint64_t> different_min;
};

enum class LogicKind : uint8_t { kIndex, kAnd, kOr };

// There is no precedence between the operators; logic.cc says what a chain of
// them means.
struct Logic {
  LogicKind kind = LogicKind::kIndex;
  uint64_t index = 0;
  std::vector<Logic> sides;  // Two, unless this is an index.
  bool enclosed = false;     // Stood in parentheses.
  std::optional<CountRule> rule;
};

struct LogicValue {
  bool holds = false;
  uint64_t count = 0;
  std::set<uint64_t> different;  // Indexes that contributed.
};

Parsed<Logic> ParseLogic(std::string_view text);
LogicValue Evaluate(const Logic& logic, const std::vector<uint64_t>& counts);
uint64_t HighestIndex(const Logic& logic);

}  // namespace gatehouse::oracle
