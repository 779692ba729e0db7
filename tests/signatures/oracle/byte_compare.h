// Byte compares: numbers in the file near the last match of a subsignature.
//
// Thread safety: free functions on values. Ownership: everything is a value.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/signatures/oracle/signature_line.h"

namespace gatehouse::oracle {

// `base` is the start of the last match of the subsignature referred to.
bool ByteCompareHolds(const ByteCompare& compare, std::string_view bytes,
                      uint64_t base);

}  // namespace gatehouse::oracle
