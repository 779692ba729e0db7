// Bytes that a pattern matches, made from the pattern.
//
// Thread safety: free functions on values. Ownership: everything is a value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/signatures/oracle/pattern.h"

namespace gatehouse::oracle {

struct Fragment {
  std::string bytes;
  // Bytes that the pattern demands; the others may be anything.
  std::vector<bool> fixed;
  // Where the first part starts, behind what must stand before it.
  uint64_t start = 0;
};

struct FragmentStyle {
  char filler = '\0';       // For gaps and wild cards.
  bool lower_case = false;  // Where both cases match.
  uint64_t pick = 0;        // Which of the alternatives; any number will do.
  uint64_t gap_extra = 0;   // How much longer than they must be gaps are, if
                            // they may.
};

Fragment MakeFragment(const Pattern& pattern, const FragmentStyle& style);

}  // namespace gatehouse::oracle
