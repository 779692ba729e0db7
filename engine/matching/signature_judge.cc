#include "engine/matching/signature_judge.h"

#include <algorithm>
#include <cassert>

#include "engine/matching/byte_compare.h"
#include "engine/matching/layer_rules.h"
#include "engine/matching/signature_case.h"

namespace gatehouse {
namespace {

constexpr uint64_t kAll = PatternSearch::kAll;
// As the number of matches that are enough: only whether it holds is asked.
constexpr uint64_t kTruth = 0;
constexpr size_t kUsualCount = 64;

bool Compares(Comparison comparison, uint64_t value, uint64_t count) {
  switch (comparison) {
    case Comparison::kNone:
      return value != 0;
    case Comparison::kEqual:
      return value == count;
    case Comparison::kGreater:
      return value > count;
    case Comparison::kLess:
      return value < count;
  }
  return false;
}

bool IsIn(const std::vector<PlaceInterval>& places, uint64_t place) {
  return std::any_of(places.begin(), places.end(),
                     [place](const PlaceInterval& interval) {
                       return interval.first <= place && place <= interval.last;
                     });
}

}  // namespace

SignatureJudge::SignatureJudge(const SignatureTables& tables)
    : tables_(tables), anchors_(tables), prospect_(tables) {
  // Enough for nearly all files, so that the first one is as fast as the rest.
  candidates_.reserve(kUsualCount);
  atoms_.reserve(kUsualCount);
  starts_.reserve(kUsualCount);
}

void SignatureJudge::AddCandidates(const TriggerHits& hits, size_t shard) {
  const uint32_t first = tables_.shards[shard].trigger_begin;
  for (uint32_t i = 0; i < hits.hits().size(); ++i) {
    const TriggerRecord& trigger =
        tables_.triggers[first + hits.hits()[i].trigger];
    for (uint32_t use = 0; use < trigger.use_count; ++use) {
      const uint32_t index = trigger.use_begin + use;
      const TriggerUse& what = tables_.trigger_uses[index];
      candidates_.push_back({what.signature, index, i, what.group, 0});
    }
  }
}

void SignatureJudge::SortCandidates() {
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) {
              return a.signature < b.signature;
            });
}

void SignatureJudge::AddAlways(size_t shard) {
  const ShardRecord& record = tables_.shards[shard];
  for (uint32_t i = 0; i < record.always_count; ++i) {
    const uint32_t id = tables_.always[record.always_begin + i];
    candidates_.push_back({id, kNoUse, 0, tables_.signatures[id].groups, 0});
  }
}

void SignatureJudge::Judge(const Layer& layer, size_t shard,
                           const TriggerHits& hits, WorkBudget& budget,
                           MatchedIds& matched) {
  has_subject_ = false;
  if (!counted_.empty()) counted_.clear();
  candidates_.clear();
  AddCandidates(hits, shard);
  AddAlways(shard);
  CollectAnchored(layer, shard);
  SortCandidates();
  for (size_t i = 0; i < candidates_.size() && !budget.is_exhausted();) {
    const uint32_t id = candidates_[i].signature;
    const SignatureRecord& signature = tables_.signatures[id];
    Case one{layer, budget, signature, tables_.AtomsOf(signature),
             tables_.LogicOf(signature)};
    const bool is_open =
        PassesGates(tables_, tables_.gates[signature.gates], layer);
    if (is_open) Begin(signature);
    uint8_t groups = 0;
    const size_t first = i;
    for (; i < candidates_.size() && candidates_[i].signature == id; ++i) {
      groups = static_cast<uint8_t>(groups | candidates_[i].group);
    }
    // All groups were seen, and in each something fits where it was seen.
    const bool was_seen = groups == signature.groups;
    const bool matches = is_open && was_seen &&
                         ArePromising(one, hits, first, i) && Matches(one);
    if (matches) matched.Add(id);
    if (notes_ != nullptr) {
      notes_->AddCandidate({id, is_open, was_seen, matches});
    }
  }
  subject_ = {};
}

// Whether each group has a candidate, of those from `first` to `last`, that may
// match.
bool SignatureJudge::ArePromising(Case& one, const TriggerHits& hits,
                                  size_t first, size_t last) {
  uint8_t groups = 0;
  for (size_t i = first; i < last; ++i) {
    const Candidate& candidate = candidates_[i];
    if (candidate.use == kNoUse) {
      groups = static_cast<uint8_t>(groups | candidate.group);
      continue;
    }
    const TriggerUse& use = tables_.trigger_uses[candidate.use];
    const TriggerHits::Hit& hit = hits.hits()[candidate.hit];
    if (hit.knows_all_places && use.is_spelled == 0) {
      atoms_[use.atom].seen = {&use, hits.EndsOf(hit)};
    }
    const bool is_decided = (groups & candidate.group) == candidate.group;
    if (is_decided || IsPromising(one, use, hits.EndsOf(hit)) ||
        !hit.knows_all_places) {
      groups = static_cast<uint8_t>(groups | candidate.group);
      one.seen_atoms |= uint64_t{1} << use.atom;
    }
  }
  one.knows_seen_atoms = true;
  return groups == one.signature.groups;
}

// Those of which a pattern is at its place.
void SignatureJudge::CollectAnchored(const Layer& layer, size_t shard) {
  for (const auto& [anchor, place] : anchors_.Find(layer, shard)) {
    if (!IsAt(layer, *anchor, place)) continue;
    candidates_.push_back({anchor->signature, kNoUse, 0, anchor->group, 0});
  }
}

bool SignatureJudge::IsAt(const Layer& layer, const AnchorUse& anchor,
                          uint64_t place) {
  const SignatureRecord& signature = tables_.signatures[anchor.signature];
  const AtomRecord& atom = tables_.AtomsOf(signature)[anchor.atom];
  for (size_t variant = 0; variant < atom.variant_count; ++variant) {
    const auto& parts = parts_.Of(tables_.ProgramOf(atom, variant));
    if (parts && !search_.part_matcher()
                      .EndsAt(layer.content, parts->front(), place)
                      .empty()) {
      return true;
    }
  }
  return false;
}

// Whether the use's pattern may match, judged at the places of its trigger.
bool SignatureJudge::IsPromising(Case& one, const TriggerUse& use,
                                 std::span<const uint64_t> ends) {
  const AtomRecord& atom = one.atoms[use.atom];
  if (use.distance_max - use.distance_min > kDistancesMax) return true;
  const auto& parts = parts_.Of(tables_.ProgramOf(atom, use.variant));
  if (!parts || use.part >= parts->size()) return false;
  if (use.part == 0) {
    StartsOf(tables_.offsets[atom.offset], one.layer, starts_);
  }
  const PatternPart& part = (*parts)[use.part];
  for (const uint64_t end : ends) {
    const uint64_t place = end - use.length;
    for (uint32_t d = use.distance_min; d <= use.distance_max; ++d) {
      if (place < d || (use.part == 0 && !IsIn(starts_, place - d))) continue;
      if (!one.budget.Take(kLookUnits)) return true;
      if (search_.part_matcher()
              .EndsAt(one.layer.content, part, place - d)
              .empty()) {
        continue;
      }
      if (parts->size() == 1) {
        AtomState& state = atoms_[use.atom];
        state.found = {1, place - d};
        state.counted_to = std::max<uint64_t>(state.counted_to, 1);
      }
      return true;
    }
  }
  return false;
}

void SignatureJudge::Begin(const SignatureRecord& signature) {
  atoms_.assign(signature.atom_count, {});
}

bool SignatureJudge::Matches(Case& one) {
  const auto root = static_cast<uint32_t>(one.logic.size() - 1);
  Truth truth = Evaluate(one, root, kTruth).truth;
  if (truth == Truth::kUnknown) {
    one.asks_regexes = true;
    truth = Evaluate(one, root, kTruth).truth;
  }
  return truth == Truth::kYes && !one.budget.is_exhausted();
}

SignatureJudge::NodeValue SignatureJudge::Evaluate(Case& one, uint32_t number,
                                                   uint64_t enough) {
  const LogicNode& node = one.logic[number];
  const bool compares = node.comparison != Comparison::kNone;
  if (compares) enough = std::max<uint64_t>(enough, uint64_t{node.count} + 1);
  if (node.different > 1) enough = std::max<uint64_t>(enough, 2);
  NodeValue value;
  if (node.kind == LogicKind::kAtom) {
    value = EvaluateAtom(one, node.left, std::max<uint64_t>(enough, 1));
  } else {
    value = EvaluatePair(one, node, enough);
  }
  if (!compares || value.truth == Truth::kUnknown) return value;
  if (value.truth == Truth::kNo) value = {};  // Nothing of it counts.
  const bool holds = Compares(node.comparison, value.sum, node.count) &&
                     value.different >= node.different;
  value.truth = holds ? Truth::kYes : Truth::kNo;
  // For the pair around: an atom whose rule holds is one of its members, a pair
  // with a count of its own has none.
  value.different = holds && node.kind == LogicKind::kAtom ? 1 : 0;
  return value;
}

SignatureJudge::NodeValue SignatureJudge::EvaluatePair(Case& one,
                                                       const LogicNode& node,
                                                       uint64_t enough) {
  const bool is_and = node.kind == LogicKind::kAnd;
  // What decides alone, when no sum is asked for.
  const Truth decisive = is_and ? Truth::kNo : Truth::kYes;
  const NodeValue left = Evaluate(one, node.left, enough);
  if (left.truth == decisive && (is_and || enough == kTruth)) return left;
  const NodeValue right = Evaluate(one, node.right, enough);
  NodeValue both;
  if (left.truth == decisive || right.truth == decisive) {
    both.truth = decisive;
  } else if (left.truth == Truth::kUnknown || right.truth == Truth::kUnknown) {
    both.truth = Truth::kUnknown;
  } else {
    both.truth = is_and ? Truth::kYes : Truth::kNo;
  }
  // A sum is not known before all of it is.
  if (enough != kTruth &&
      (left.truth == Truth::kUnknown || right.truth == Truth::kUnknown)) {
    both.truth = Truth::kUnknown;
  }
  const auto add = [&both](const NodeValue& value) {
    if (value.truth != Truth::kYes) return;
    both.sum += value.sum;
    both.different += value.different;
  };
  add(left);
  add(right);
  return both;
}

SignatureJudge::NodeValue SignatureJudge::EvaluateAtom(Case& one, uint32_t atom,
                                                       uint64_t enough) {
  const AtomRecord& record = one.atoms[atom];
  if (record.kind == AtomKind::kRegex && !one.asks_regexes) {
    return {Truth::kUnknown, 0, 0};
  }
  if (one.knows_seen_atoms && record.is_watched != 0 &&
      (one.seen_atoms >> atom & 1) == 0) {
    return {Truth::kNo, 0, 0};
  }
  if (atoms_[atom].counted_to < enough) {
    if (notes_ != nullptr) notes_->AddAtomTried();
    MatchCount found;
    switch (record.kind) {
      case AtomKind::kPattern:
        found = CountPattern(one, atom, enough);
        break;
      case AtomKind::kRegex:
        found = CountRegex(one, atom, enough);
        break;
      case AtomKind::kByteCompare: {
        const CompareRecord& compare = tables_.compares[record.detail];
        const NodeValue base = EvaluateAtom(one, compare.reference, kAll);
        if (base.truth == Truth::kUnknown) return base;
        const uint64_t begin = atoms_[compare.reference].found.last_begin;
        const bool holds = base.truth == Truth::kYes &&
                           ByteCompareHolds(compare, begin, one.layer.content);
        found.count = holds ? 1 : 0;
        break;
      }
      case AtomKind::kMacro:
        found = CountMacro(one, atom);
        break;
    }
    atoms_[atom].found = found;
    atoms_[atom].counted_to = found.count < enough ? kAll : enough;
  }
  const uint64_t count = atoms_[atom].found.count;
  const Truth truth = count == 0 ? Truth::kNo : Truth::kYes;
  return {truth, count, count == 0 ? 0U : 1U};
}

MatchCount SignatureJudge::CountPattern(Case& one, uint32_t atom,
                                        uint64_t enough) {
  // Patterns that signatures share are counted once in a layer.
  const AtomRecord& record = one.atoms[atom];
  const uint64_t key = uint64_t{record.offset} << 32 | record.code.begin;
  Counted& known = counted_[key];
  if (known.counted_to < enough) {
    known.found = SearchPattern(one, atom, enough);
    known.counted_to = known.found.count < enough ? kAll : enough;
  }
  return known.found;
}

MatchCount SignatureJudge::SearchPattern(Case& one, uint32_t atom,
                                         uint64_t enough) {
  MatchCount all;
  const AtomRecord& record = one.atoms[atom];
  StartsOf(tables_.offsets[record.offset], one.layer, starts_);
  if (starts_.empty()) return all;
  Content& content = one.layer.content;
  // Each variant has a trigger of its own.
  const SeenTrigger& seen = atoms_[atom].seen;
  const bool is_narrowed = seen.use != nullptr && record.variant_count == 1;
  for (size_t variant = 0; variant < record.variant_count; ++variant) {
    const auto& parts = parts_.Of(tables_.ProgramOf(record, variant));
    if (!parts) continue;
    if (is_narrowed) {
      seen_starts_.Narrow(content, *parts, seen, one.budget, starts_);
    }
    const MatchCount found =
        search_.Count(content, *parts, starts_, enough, one.budget);
    if (found.count == 0) continue;
    all.count += found.count;
    all.last_begin = std::max(all.last_begin, found.last_begin);
    if (all.count >= enough) break;
  }
  return all;
}

// The layer in one piece.
ByteView SignatureJudge::Subject(const Layer& layer) {
  if (!layer.content.memory().empty()) return layer.content.memory();
  if (has_subject_) return subject_;
  has_subject_ = true;
  subject_.clear();
  assert(layer.content.size() <= kRegexBytesMax);
  subject_.reserve(layer.content.size());
  while (subject_.size() < layer.content.size()) {
    const ByteView more = layer.content.At(subject_.size(), kContentWindowMax);
    if (more.empty()) break;
    subject_.insert(subject_.end(), more.begin(), more.end());
  }
  return subject_;
}

MatchCount SignatureJudge::CountRegex(Case& one, uint32_t atom,
                                      uint64_t enough) {
  const AtomRecord& record = one.atoms[atom];
  const RegexRecord& regex = tables_.regexes[record.detail];
  if (Evaluate(one, regex.trigger, kTruth).truth != Truth::kYes) return {};
  StartsOf(tables_.offsets[record.offset], one.layer, starts_);
  if (starts_.empty()) return {};
  if (one.layer.content.size() > kRegexBytesMax) {
    (void)one.budget.Take(one.budget.left() + 1);  // Nobody knows.
    return {};
  }
  RegexMatcher::Task task;
  task.key = one.signature.atom_begin + atom;
  task.expression = tables_.Text(record.code);
  task.options = regex.options;
  task.is_anywhere = record.offset == 0;
  task.start = starts_.front();
  task.enough = enough;
  return regexes_.Count(task, Subject(one.layer), one.budget);
}

// Where a pattern of the group begins within the distances behind a match of
// the atom before. Nobody writes such signatures.
MatchCount SignatureJudge::CountMacro(Case& one, uint32_t atom) {
  MatchCount all;
  const AtomRecord& before = one.atoms[atom - 1];
  const MacroRecord& macro = tables_.macros[one.atoms[atom].detail];
  if (before.kind != AtomKind::kPattern) return all;
  StartsOf(tables_.offsets[before.offset], one.layer, starts_);
  std::vector<uint64_t> first;
  for (size_t variant = 0; variant < before.variant_count; ++variant) {
    search_.AddBegins(one.layer.content, tables_.ProgramOf(before, variant),
                      starts_, one.budget, first);
  }
  if (first.empty()) return all;
  std::sort(first.begin(), first.end());
  std::vector<uint64_t> then;
  starts_.assign(1, {0, one.layer.content.size()});
  for (const uint32_t id : tables_.macro_signatures) {
    const AtomRecord& pattern = tables_.AtomsOf(tables_.signatures[id]).front();
    if (tables_.offsets[pattern.offset].section != macro.group) continue;
    search_.AddBegins(one.layer.content, tables_.ProgramOf(pattern, 0), starts_,
                      one.budget, then);
  }
  std::sort(then.begin(), then.end());
  then.erase(std::unique(then.begin(), then.end()), then.end());
  for (const uint64_t begin : then) {
    if (begin < macro.distance_min) continue;
    const auto behind = std::upper_bound(first.begin(), first.end(),
                                         begin - macro.distance_min);
    if (behind == first.begin() || begin - *(behind - 1) > macro.distance_max) {
      continue;
    }
    ++all.count;
    all.last_begin = begin;
  }
  return all;
}

}  // namespace gatehouse
