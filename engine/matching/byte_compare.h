// Compares a number that stands in a content.
//
// Thread-safe: a pure function.
#pragma once

#include <cstdint>

#include "engine/format/content.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

// `base` is where the match began that the distance counts from.
[[nodiscard]] bool ByteCompareHolds(const CompareRecord& compare, uint64_t base,
                                    Content& content);

}  // namespace gatehouse
