// The signature that a SignatureJudge looks at: for its own files only.
//
// Thread-compatible. Borrows everything.
#pragma once

#include <cstdint>
#include <span>

#include "engine/matching/layer.h"
#include "engine/matching/signature_judge.h"
#include "engine/matching/work_budget.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

struct SignatureJudge::Case {
  const Layer& layer;
  WorkBudget& budget;
  const SignatureRecord& signature;
  std::span<const AtomRecord> atoms;
  std::span<const LogicNode> logic;
  // Regular expressions wait until nothing else decides.
  bool asks_regexes = false;
  // Atoms whose trigger was seen where they may match; of those that are
  // watched, the others have no match. Not known of a layer that was not looked
  // through itself.
  uint64_t seen_atoms = 0;
  bool knows_seen_atoms = false;
};

}  // namespace gatehouse
