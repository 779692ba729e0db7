// The part of SignatureJudge that judges the normalised form of a text, if
// possible before it is made.
#include <cassert>
#include <tuple>

#include "engine/matching/layer_rules.h"
#include "engine/matching/signature_case.h"
#include "engine/matching/signature_judge.h"

namespace gatehouse {

namespace {

// Whether the uses, of one literal, ask for the same around it.
bool IsSameLook(const ViewUse& a, const ViewUse& b) {
  const auto key = [](const ViewUse& use) {
    return std::tie(use.around.begin, use.around.size, use.begin,
                    use.neighbour.begin, use.neighbour.size, use.gap_min,
                    use.gap_max, use.is_before);
  };
  return key(a) == key(b);
}

}  // namespace

// Those whose literals may have around them what the form has.
void SignatureJudge::AddOfView(const TriggerHits& hits, size_t shard,
                               const OwnText* text) {
  const uint32_t first = tables_.shards[shard].trigger_begin;
  for (uint32_t i = 0; i < hits.hits().size(); ++i) {
    const TriggerHits::Hit& hit = hits.hits()[i];
    const TriggerRecord& trigger = tables_.triggers[first + hit.trigger];
    const bool asks = text != nullptr && hit.knows_all_places;
    const ViewUse* before = nullptr;
    bool may_stand = true;
    for (uint32_t use = 0; use < trigger.view_count; ++use) {
      const uint32_t index = trigger.view_begin + use;
      const ViewUse& what = tables_.view_uses[index];
      if (asks && (before == nullptr || !IsSameLook(*before, what))) {
        may_stand = prospect_.MayStandAmid(what, hits.EndsOf(hit), *text);
      }
      before = &what;
      if (may_stand) {
        candidates_.push_back(
            {what.signature, index, i, what.group, what.groups});
      }
    }
  }
}

void SignatureJudge::AddBeginnings(const OwnText& text) {
  for (const AnchorUse* const anchor : prospect_.MayBeginWith(text)) {
    candidates_.push_back(
        {anchor->signature, kNoUse, 0, anchor->group, anchor->groups});
  }
}

bool SignatureJudge::FindForView(const Layer& layer, size_t shard,
                                 const TriggerHits& hits,
                                 const TriggerHits& seam_hits,
                                 const OwnText& text) {
  found_.clear();
  candidates_.clear();
  AddOfView(hits, shard, &text);
  AddOfView(seam_hits, shard, nullptr);
  AddBeginnings(text);
  if (candidates_.empty()) return false;
  SortCandidates();
  prospect_.Begin(text);
  for (size_t i = 0; i < candidates_.size();) {
    const Candidate& first = candidates_[i];
    uint8_t groups = 0;
    for (;
         i < candidates_.size() && candidates_[i].signature == first.signature;
         ++i) {
      groups = static_cast<uint8_t>(groups | candidates_[i].group);
    }
    const SignatureRecord& signature = tables_.signatures[first.signature];
    if (groups == first.groups &&
        PassesGates(tables_, tables_.gates[signature.gates], layer) &&
        prospect_.MayMatch(signature, text)) {
      found_.push_back(first.signature);
    }
  }
  return !found_.empty();
}

void SignatureJudge::JudgeFound(const Layer& layer, WorkBudget& budget,
                                MatchedIds& matched) {
  has_subject_ = false;
  counted_.clear();
  for (const uint32_t id : found_) {
    if (budget.is_exhausted()) return;
    const SignatureRecord& signature = tables_.signatures[id];
    assert(PassesGates(tables_, tables_.gates[signature.gates], layer));
    Case one{layer, budget, signature, tables_.AtomsOf(signature),
             tables_.LogicOf(signature)};
    Begin(signature);
    const bool matches = Matches(one);
    if (matches) matched.Add(id);
    if (notes_ != nullptr) notes_->AddCandidate({id, true, true, matches});
  }
}

}  // namespace gatehouse
