// How often each subsignature must occur for a logic expression to hold.
//
// Thread safety: free functions on values. Ownership: everything is a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/signatures/oracle/logic.h"

namespace gatehouse::oracle {

using Counts = std::vector<uint64_t>;

// Some counts for which `logic` holds, those with few occurrences first; not
// all there are, and maybe none. Each has an entry for each of `size`
// subsignatures.
std::vector<Counts> WantedCounts(const Logic& logic, size_t size);

}  // namespace gatehouse::oracle
