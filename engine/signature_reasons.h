// Why a signature matched a layer, or did not, in words.
//
// Thread-compatible. Borrows the tables.
#pragma once

#include <string>
#include <vector>

#include "engine/explanation.h"
#include "engine/matching/layer.h"
#include "engine/matching/signature_judge.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

// The logic of a signature, as its format has it: "0&(1|2)>3,2".
[[nodiscard]] std::string LogicText(const SignatureTables& tables,
                                    const SignatureRecord& signature);

// The nodes of the logic that keep it from holding; none if it holds.
[[nodiscard]] std::vector<std::string> ReasonsAgainst(
    const SignatureTables& tables, const SignatureRecord& signature,
    const SignatureJudge::Probed& probed);

// The gates that do not let the layer pass, each asked alone.
[[nodiscard]] std::vector<ExplainedGate> FailedGates(
    const SignatureTables& tables, const SignatureRecord& signature,
    const Layer& layer);

}  // namespace gatehouse
