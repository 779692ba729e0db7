#include "signatures/trigger_choice.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "signatures/byte_pattern.h"

namespace gatehouse {
namespace {

// To look at one place costs this much: about as much as one confirmation in
// some MB.
constexpr double kAnchorRate = 2e-7;
constexpr double kAlwaysRate = std::numeric_limits<double>::infinity();
// Short literals slow the search down besides what they find.
constexpr size_t kShortBytes = 5;
constexpr double kShortRate = 1e-4;

TriggerChoice Always() {
  TriggerChoice choice;
  choice.is_always = true;
  choice.rate = kAlwaysRate;
  return choice;
}

// The rarest window of one run.
struct Window {
  ByteView bytes;
  uint32_t begin = 0;
  double rate = kAlwaysRate;
};

Window RarestWindow(const FixedRun& run, size_t window,
                    const LiteralRates& rates) {
  Window best;
  const size_t length = std::min(window, run.bytes.size());
  if (length < 2) return best;
  for (size_t i = 0; i + length <= run.bytes.size(); ++i) {
    const ByteView bytes = run.bytes.subspan(i, length);
    double rate = rates.RateOf(bytes, run.is_folded);
    if (length < kShortBytes) rate += kShortRate;
    if (rate < best.rate) best = {bytes, static_cast<uint32_t>(i), rate};
  }
  return best;
}

// Of one program: its rarest window, wherever it is.
std::optional<TriggerLiteral> RarestOf(ByteView program, size_t window,
                                       const LiteralRates& rates,
                                       double& rate) {
  const auto parts = PartsOf(program);
  if (!parts) return std::nullopt;
  std::optional<TriggerLiteral> best;
  rate = kAlwaysRate;
  for (size_t i = 0; i < parts->size(); ++i) {
    for (const FixedRun& run : (*parts)[i].runs) {
      const Window found = RarestWindow(run, window, rates);
      if (found.rate >= rate) continue;
      rate = found.rate;
      best = TriggerLiteral{found.bytes,
                            run.is_folded,
                            0,
                            0,
                            static_cast<uint16_t>(i),
                            run.distance_min + found.begin,
                            run.distance_max + found.begin};
    }
  }
  return best;
}

class Chooser {
 public:
  Chooser(const Signature& signature, size_t window, const LiteralRates& rates)
      : signature_(signature), window_(window), rates_(rates) {}

  TriggerChoice OfNode(uint32_t node) const;

 private:
  TriggerChoice OfAtom(uint32_t atom) const;
  TriggerChoice OfPattern(const PatternAtom& pattern, uint32_t atom) const;

  const Signature& signature_;
  const size_t window_;
  const LiteralRates& rates_;
};

// A place of its own: one look, whatever the file holds.
bool IsAtOnePlace(const PatternOffset& offset) {
  return offset.shift == 0 && (offset.base == OffsetBase::kStart ||
                               offset.base == OffsetBase::kEnd ||
                               offset.base == OffsetBase::kEntryPoint ||
                               offset.base == OffsetBase::kSection ||
                               offset.base == OffsetBase::kLastSection);
}

TriggerChoice Chooser::OfPattern(const PatternAtom& pattern,
                                 uint32_t atom) const {
  TriggerChoice choice;
  for (size_t i = 0; i < pattern.variants.size(); ++i) {
    double rate = 0.0;
    std::optional<TriggerLiteral> literal =
        RarestOf(pattern.variants[i], window_, rates_, rate);
    if (!literal) return Always();
    literal->atom = static_cast<uint16_t>(atom);
    literal->variant = static_cast<uint16_t>(i);
    choice.literals.push_back(*literal);
    choice.rate += rate;
  }
  if (IsAtOnePlace(pattern.offset) && kAnchorRate < choice.rate) {
    choice.literals.clear();
    choice.anchored_atoms.push_back(static_cast<uint16_t>(atom));
    choice.rate = kAnchorRate;
  }
  return choice;
}

TriggerChoice Chooser::OfAtom(uint32_t atom) const {
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

TriggerChoice Chooser::OfNode(uint32_t number) const {
  const LogicNode& node = signature_.logic[number];
  const bool holds_without =
      node.comparison == Comparison::kLess ||
      (node.comparison == Comparison::kEqual && node.count == 0);
  if (holds_without) return Always();
  if (node.kind == LogicKind::kAtom) return OfAtom(node.left);
  TriggerChoice left = OfNode(node.left);
  TriggerChoice right = OfNode(node.right);
  if (node.kind == LogicKind::kAnd) {
    return left.rate <= right.rate ? std::move(left) : std::move(right);
  }
  if (left.is_always || right.is_always) return Always();
  left.literals.insert(left.literals.end(), right.literals.begin(),
                       right.literals.end());
  left.anchored_atoms.insert(left.anchored_atoms.end(),
                             right.anchored_atoms.begin(),
                             right.anchored_atoms.end());
  left.rate += right.rate;
  return left;
}

}  // namespace

TriggerChoice ChooseTriggers(const Signature& signature, size_t window,
                             const LiteralRates& rates) {
  return Chooser(signature, window, rates)
      .OfNode(static_cast<uint32_t>(signature.logic.size() - 1));
}

}  // namespace gatehouse
