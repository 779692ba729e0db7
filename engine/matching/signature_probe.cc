// What a SignatureJudge tells of one signature to whoever asks why: all of it,
// by the same search and the same logic as when it judges, but without stopping
// at what decides.
#include <algorithm>

#include "engine/matching/layer_rules.h"
#include "engine/matching/signature_case.h"
#include "engine/matching/signature_judge.h"

namespace gatehouse {

SignatureJudge::Probed SignatureJudge::Probe(const Layer& layer, uint32_t id,
                                             size_t places_max,
                                             WorkBudget& budget) {
  has_subject_ = false;
  counted_.clear();
  const SignatureRecord& signature = tables_.signatures[id];
  Case one{layer, budget, signature, tables_.AtomsOf(signature),
           tables_.LogicOf(signature)};
  one.asks_regexes = true;
  Begin(signature);
  Probed probed;
  for (uint32_t atom = 0; atom < one.atoms.size(); ++atom) {
    (void)EvaluateAtom(one, atom, PatternSearch::kAll);
    probed.atoms.push_back(atoms_[atom].found);
    probed.places.push_back(PlacesOf(one, atom, places_max));
  }
  for (uint32_t node = 0; node < one.logic.size(); ++node) {
    // Of a node whose count is compared, all of it is asked.
    const NodeValue value = Evaluate(one, node, 1);
    probed.nodes.push_back({value.truth == Truth::kYes, value.sum});
  }
  probed.is_complete = !budget.is_exhausted();
  counted_.clear();
  subject_ = {};
  has_subject_ = false;
  return probed;
}

std::vector<uint64_t> SignatureJudge::PlacesOf(Case& one, uint32_t atom,
                                               size_t places_max) {
  const AtomRecord& record = one.atoms[atom];
  const MatchCount found = atoms_[atom].found;
  std::vector<uint64_t> places;
  if (found.count == 0 || places_max == 0) return places;
  if (record.kind != AtomKind::kPattern) return {found.last_begin};
  StartsOf(tables_.offsets[record.offset], one.layer, starts_);
  for (size_t variant = 0; variant < record.variant_count; ++variant) {
    search_.AddBegins(one.layer.content, tables_.ProgramOf(record, variant),
                      starts_, one.budget, places);
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  if (places.size() > places_max) places.resize(places_max);
  return places;
}

}  // namespace gatehouse
