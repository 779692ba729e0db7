#include "signatures/trigger_choice.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "signatures/byte_pattern.h"

namespace gatehouse {
namespace {

// To look at one place costs this much: about as much as one confirmation in
// some MB.
constexpr double kAnchorRate = 2e-7;

TriggerChoice Always() {
  TriggerChoice choice;
  choice.is_always = true;
  choice.rate = kRateAlways;
  choice.cost = kRateAlways;
  return choice;
}

TriggerChoice Never() {
  TriggerChoice choice;
  choice.is_never = true;
  return choice;
}

TriggerChoice ChoiceOf(ProgramTrigger trigger) {
  if (trigger.is_never) return Never();
  if (trigger.literals.empty()) return Always();
  TriggerChoice choice;
  choice.literals = std::move(trigger.literals);
  choice.rate = trigger.rate;
  choice.cost = trigger.cost;
  return choice;
}

// One of all of them.
TriggerChoice Joined(std::vector<TriggerChoice> choices) {
  TriggerChoice all;
  all.is_never = true;
  for (const TriggerChoice& one : choices) {
    if (one.is_always) return Always();
    all.is_never = all.is_never && one.is_never;
    all.literals.insert(all.literals.end(), one.literals.begin(),
                        one.literals.end());
    all.anchored_atoms.insert(all.anchored_atoms.end(),
                              one.anchored_atoms.begin(),
                              one.anchored_atoms.end());
    all.rate += one.rate;
    all.cost += one.cost;
  }
  return all;
}

class Chooser {
 public:
  Chooser(const Signature& signature, size_t window, const LiteralRates& rates,
          LookedThrough looked_through)
      : signature_(signature),
        window_(window),
        rates_(rates),
        looked_through_(looked_through),
        of_atoms_(signature.atoms.size()) {}

  TriggerChoice OfNode(uint32_t node) const;
  // The nodes of which all must hold, if `node` does.
  std::vector<uint32_t> ConjunctsOf(uint32_t node) const;

 private:
  void CollectTerms(uint32_t node, LogicKind kind,
                    std::vector<uint32_t>& terms) const;
  TriggerChoice OfManyDifferent(const LogicNode& node) const;
  static void DropCopies(TriggerChoice& choice);
  const TriggerChoice& OfAtom(uint32_t atom) const;
  TriggerChoice OfNewAtom(uint32_t atom) const;
  TriggerChoice OfPattern(const PatternAtom& pattern, uint32_t atom) const;

  const Signature& signature_;
  const size_t window_;
  const LiteralRates& rates_;
  const LookedThrough looked_through_;
  // By atom: each is asked many times, and triggers ask for triggers.
  mutable std::vector<std::optional<TriggerChoice>> of_atoms_;
};

// A place of its own: one look, whatever the file holds.
bool IsAtOnePlace(const PatternOffset& offset) {
  return offset.shift == 0 && (offset.base == OffsetBase::kStart ||
                               offset.base == OffsetBase::kEnd ||
                               offset.base == OffsetBase::kEntryPoint ||
                               offset.base == OffsetBase::kSection ||
                               offset.base == OffsetBase::kLastSection);
}

// Of the form of a text only some bytes are known before it is made.
constexpr int64_t kViewStartMax = 4;
bool IsAtStart(const PatternOffset& offset) {
  return offset.base == OffsetBase::kStart && offset.shift == 0 &&
         offset.delta >= 0 && offset.delta <= kViewStartMax;
}

TriggerChoice Chooser::OfPattern(const PatternAtom& pattern,
                                 uint32_t atom) const {
  const bool is_layer = looked_through_ == LookedThrough::kLayer;
  std::vector<TriggerChoice> variants;
  for (size_t i = 0; i < pattern.variants.size(); ++i) {
    const std::vector<uint8_t>& program = pattern.variants[i];
    ProgramTrigger trigger = is_layer ? TriggerInLayer(program, window_, rates_)
                                      : TriggerInText(program, window_, rates_);
    variants.push_back(ChoiceOf(std::move(trigger)));
    for (TriggerLiteral& literal : variants.back().literals) {
      literal.atom = static_cast<uint16_t>(atom);
      literal.variant = static_cast<uint16_t>(i);
    }
  }
  TriggerChoice choice = Joined(std::move(variants));
  const bool can_be_anchored =
      is_layer ? IsAtOnePlace(pattern.offset) : IsAtStart(pattern.offset);
  if (can_be_anchored && !choice.is_never && kAnchorRate < choice.cost) {
    choice = {};
    choice.anchored_atoms.push_back(static_cast<uint16_t>(atom));
    choice.rate = kAnchorRate;
    choice.cost = kAnchorRate;
  }
  return choice;
}

const TriggerChoice& Chooser::OfAtom(uint32_t atom) const {
  std::optional<TriggerChoice>& known = of_atoms_[atom];
  if (!known) known = OfNewAtom(atom);
  return *known;
}

TriggerChoice Chooser::OfNewAtom(uint32_t atom) const {
  const Atom& what = signature_.atoms[atom];
  if (const auto* pattern = std::get_if<PatternAtom>(&what)) {
    return OfPattern(*pattern, atom);
  }
  if (const auto* regex = std::get_if<RegexAtom>(&what)) {
    return OfNode(regex->trigger);
  }
  if (const auto* compare = std::get_if<ByteCompareAtom>(&what)) {
    return OfAtom(compare->reference);
  }
  return OfAtom(atom - 1);  // A macro follows the one before.
}

// The terms of a chain of one kind, in order.
void Chooser::CollectTerms(uint32_t number, LogicKind kind,
                           std::vector<uint32_t>& terms) const {
  const LogicNode& node = signature_.logic[number];
  if (node.kind != kind || node.comparison != Comparison::kNone) {
    terms.push_back(number);
    return;
  }
  CollectTerms(node.left, kind, terms);
  CollectTerms(node.right, kind, terms);
}

std::vector<uint32_t> Chooser::ConjunctsOf(uint32_t node) const {
  std::vector<uint32_t> terms;
  CollectTerms(node, LogicKind::kAnd, terms);
  return terms;
}

// At least m different of k atoms: of any k - m + 1 of them one is there.
TriggerChoice Chooser::OfManyDifferent(const LogicNode& node) const {
  std::vector<uint32_t> terms;
  CollectTerms(node.left, LogicKind::kOr, terms);
  CollectTerms(node.right, LogicKind::kOr, terms);
  std::vector<TriggerChoice> choices;
  choices.reserve(terms.size());
  for (const uint32_t term : terms) choices.push_back(OfNode(term));
  std::stable_sort(choices.begin(), choices.end(),
                   [](const TriggerChoice& a, const TriggerChoice& b) {
                     return a.cost < b.cost;
                   });
  // A pair among the terms may have more than one member.
  const bool are_atoms =
      std::all_of(terms.begin(), terms.end(), [this](uint32_t term) {
        return signature_.logic[term].kind == LogicKind::kAtom;
      });
  if (are_atoms && node.different > 1 && node.different <= terms.size()) {
    choices.resize(terms.size() - node.different + 1);
  }
  TriggerChoice all = Joined(std::move(choices));
  DropCopies(all);
  return all;
}

// Of several terms that ask for the same; else triggers that ask for triggers
// could double them each time.
void Chooser::DropCopies(TriggerChoice& choice) {
  using Key = std::tuple<uint16_t, uint16_t, uint16_t, uint32_t, uint32_t,
                         const std::vector<uint8_t>&>;
  const auto key = [](const TriggerLiteral& literal) {
    return Key(literal.atom, literal.variant, literal.part,
               literal.distance_min, literal.distance_max, literal.bytes);
  };
  std::vector<TriggerLiteral>& literals = choice.literals;
  std::stable_sort(literals.begin(), literals.end(),
                   [&key](const TriggerLiteral& a, const TriggerLiteral& b) {
                     return key(a) < key(b);
                   });
  literals.erase(
      std::unique(literals.begin(), literals.end(),
                  [&key](const TriggerLiteral& a, const TriggerLiteral& b) {
                    return key(a) == key(b);
                  }),
      literals.end());
  std::vector<uint16_t>& atoms = choice.anchored_atoms;
  std::sort(atoms.begin(), atoms.end());
  atoms.erase(std::unique(atoms.begin(), atoms.end()), atoms.end());
}

TriggerChoice Chooser::OfNode(uint32_t number) const {
  const LogicNode& node = signature_.logic[number];
  const bool holds_without =
      node.comparison == Comparison::kLess ||
      (node.comparison == Comparison::kEqual && node.count == 0);
  if (holds_without) return Always();
  if (node.kind == LogicKind::kAtom) return OfAtom(node.left);
  if (node.kind == LogicKind::kOr) return OfManyDifferent(node);
  TriggerChoice left = OfNode(node.left);
  TriggerChoice right = OfNode(node.right);
  return left.cost <= right.cost ? std::move(left) : std::move(right);
}

// Puts the logic of a signature into the order in which it is to be evaluated.
class Sorter {
 public:
  Sorter(Signature& signature, const LiteralRates& rates)
      : signature_(signature),
        chooser_(signature, kSortWindow, rates, LookedThrough::kLayer) {}

  void Sort();

 private:
  static constexpr size_t kSortWindow = 8;

  uint32_t Rebuild(uint32_t number);
  void CollectTerms(uint32_t number, LogicKind kind, bool is_top,
                    std::vector<uint32_t>& terms) const;

  Signature& signature_;
  const Chooser chooser_;
  Logic sorted_;
};

void Sorter::CollectTerms(uint32_t number, LogicKind kind, bool is_top,
                          std::vector<uint32_t>& terms) const {
  const LogicNode& node = signature_.logic[number];
  if (node.kind != kind || (!is_top && node.comparison != Comparison::kNone)) {
    terms.push_back(number);
    return;
  }
  CollectTerms(node.left, kind, false, terms);
  CollectTerms(node.right, kind, false, terms);
}

uint32_t Sorter::Rebuild(uint32_t number) {
  const LogicNode node = signature_.logic[number];
  const auto add = [this](const LogicNode& one) {
    sorted_.push_back(one);
    return static_cast<uint32_t>(sorted_.size() - 1);
  };
  if (node.kind == LogicKind::kAtom) return add(node);
  std::vector<uint32_t> terms;
  CollectTerms(number, node.kind, true, terms);
  std::vector<std::pair<double, uint32_t>> by_rate;
  for (const uint32_t term : terms) {
    const double rate = chooser_.OfNode(term).rate;
    by_rate.emplace_back(node.kind == LogicKind::kAnd ? rate : -rate, term);
  }
  std::stable_sort(
      by_rate.begin(), by_rate.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<uint32_t> rebuilt;
  for (const auto& [rate, term] : by_rate) rebuilt.push_back(Rebuild(term));
  uint32_t right = rebuilt.back();
  for (size_t i = rebuilt.size() - 1; i-- > 0;) {
    LogicNode pair;
    pair.kind = node.kind;
    pair.left = static_cast<uint16_t>(rebuilt[i]);
    pair.right = static_cast<uint16_t>(right);
    right = add(pair);
  }
  sorted_[right].comparison = node.comparison;
  sorted_[right].count = node.count;
  sorted_[right].different = node.different;
  return right;
}

void Sorter::Sort() {
  std::vector<std::pair<size_t, uint32_t>> triggers;
  for (size_t atom = 0; atom < signature_.atoms.size(); ++atom) {
    const auto* regex = std::get_if<RegexAtom>(&signature_.atoms[atom]);
    if (regex != nullptr) triggers.emplace_back(atom, Rebuild(regex->trigger));
  }
  (void)Rebuild(static_cast<uint32_t>(signature_.logic.size() - 1));
  for (const auto& [atom, trigger] : triggers) {
    std::get<RegexAtom>(signature_.atoms[atom]).trigger = trigger;
  }
  signature_.logic = std::move(sorted_);
}

// Expected in a file of this size, at most once.
constexpr double kUsualFileBytes = 65536;
double Presence(const TriggerChoice& choice) {
  return std::min(1.0, choice.rate * kUsualFileBytes);
}
// Of the files that are confirmed in vain, for the sake of one signature.
constexpr double kPresenceWanted = 1e-5;
// A set that is nearly everywhere, or large, is not worth being looked for.
constexpr double kPresenceMax = 0.5;
constexpr size_t kMoreLiteralsMax = 64;

// One of many names: to search a file for each would take long, and nearly none
// is there.
constexpr size_t kToldLiteralsMin = 8;
bool IsWorthTelling(const TriggerChoice& choice) {
  const auto is_of_a_name = [](const TriggerLiteral& literal) {
    return !literal.is_spelled && literal.bytes.size() >= kLiteralBytesShort;
  };
  return !choice.is_always && choice.literals.size() >= kToldLiteralsMin &&
         std::all_of(choice.literals.begin(), choice.literals.end(),
                     is_of_a_name);
}

}  // namespace

std::vector<TriggerChoice> ChooseTriggers(const Signature& signature,
                                          size_t window,
                                          const LiteralRates& rates,
                                          LookedThrough looked_through) {
  const Chooser chooser(signature, window, rates, looked_through);
  std::vector<TriggerChoice> choices;
  const auto root = static_cast<uint32_t>(signature.logic.size() - 1);
  for (const uint32_t node : chooser.ConjunctsOf(root)) {
    choices.push_back(chooser.OfNode(node));
  }
  std::stable_sort(choices.begin(), choices.end(),
                   [](const TriggerChoice& a, const TriggerChoice& b) {
                     return a.cost < b.cost;
                   });
  if (choices.front().is_never) return {Never()};
  if (looked_through == LookedThrough::kLayer &&
      choices.front().rate > kTriggerRateEverywhere) {
    return {Always()};
  }
  double presence = Presence(choices.front());
  size_t kept = 1;
  while (kept < choices.size() && kept < kTriggerGroupsMax &&
         presence > kPresenceWanted) {
    const TriggerChoice& next = choices[kept];
    if (next.is_always || Presence(next) > kPresenceMax ||
        next.literals.size() > kMoreLiteralsMax) {
      break;
    }
    presence *= Presence(next);
    ++kept;
  }
  std::vector<TriggerChoice> chosen(
      choices.begin(), choices.begin() + static_cast<ptrdiff_t>(kept));
  for (size_t i = kept; i < choices.size(); ++i) {
    if (!IsWorthTelling(choices[i])) continue;
    chosen.push_back(std::move(choices[i]));
    chosen.back().is_only_told = true;
  }
  return chosen;
}

void SortLogic(Signature& signature, const LiteralRates& rates) {
  if (signature.logic.size() > 1) Sorter(signature, rates).Sort();
}

}  // namespace gatehouse
