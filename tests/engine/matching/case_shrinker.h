// Makes a case on which production and the oracle disagree small enough to be
// understood.
//
// Thread-safe: pure functions on values. Slow.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/engine/matching/production_matcher.h"

namespace gatehouse {

struct MatchingCase {
  std::vector<MatchingLine> lines;
  oracle::Subject subject;
  size_t block_bytes = 1;
};

// What a case shows: the lines that are needed, the content, and what the two
// say. Lines are dropped and bytes removed as long as they still disagree.
std::string ShrunkenCase(MatchingCase one, uint64_t steps_max);

}  // namespace gatehouse
