// ByteSet: which bytes may follow some given bytes of a pattern.
//
// Thread-safe: pure functions and plain values.
#pragma once

#include <bitset>

#include "signatures/byte_pattern.h"

namespace gatehouse {

using ByteSet = std::bitset<256>;

// What stands behind `run` in every match of the part that it is of; all bytes
// where that cannot be told, or nothing must follow.
[[nodiscard]] ByteSet BytesBehind(const PatternPart& part, const FixedRun& run);

}  // namespace gatehouse
