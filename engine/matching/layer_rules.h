// What a layer's facts say about gates and about where a pattern may start.
//
// Thread-safe: pure functions.
#pragma once

#include <vector>

#include "engine/matching/layer.h"
#include "engine/matching/pattern_search.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

[[nodiscard]] bool PassesGates(const SignatureTables& tables,
                               const GatesRecord& gates, const Layer& layer);

// Where a pattern with this offset may start; empty: it cannot match here.
// `places` is overwritten; they are ascending, and apart.
void StartsOf(const OffsetRecord& offset, const Layer& layer,
              std::vector<PlaceInterval>& places);

}  // namespace gatehouse
