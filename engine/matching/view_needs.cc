// The part of ViewProspect that looks for the rarest words first.
#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/matching/view_prospect.h"

namespace gatehouse {
namespace {

template <class T>
T& RarestOf(std::vector<T>& all) {
  return *std::max_element(all.begin(), all.end(), [](const T& a, const T& b) {
    return a.rarity < b.rarity;
  });
}

}  // namespace

// Whether the text has something of each kind that the signature needs. Whose
// words are rare is asked for first: most texts have none of them.
bool ViewProspect::HasNeeds(const Case& one) {
  const auto [found, is_new] = needs_.try_emplace(&one.signature);
  Needs& needs = found->second;
  if (is_new) SetNeeds({one.signature, AtomKind::kPattern}, needs.all);
  if (!HasAll(needs.all, one.text)) return false;
  if (needs.has_expressions) return true;
  needs.has_expressions = true;
  std::vector<Need> more;
  SetNeeds({one.signature, AtomKind::kRegex}, more);
  const bool has_all = HasAll(more, one.text);
  needs.all.insert(needs.all.begin(), std::move_iterator(more.begin()),
                   std::move_iterator(more.end()));
  return has_all;
}

bool ViewProspect::HasAll(std::vector<Need>& needs, const OwnText& text) {
  const auto missing =
      std::find_if(needs.begin(), needs.end(), [&](const Need& need) {
        return std::none_of(need.any.begin(), need.any.end(), [&](Look* look) {
          return StandsOnce(*look, text);
        });
      });
  if (missing == needs.end()) return true;
  // The next text may well miss the same.
  std::rotate(needs.begin(), missing, missing + 1);
  return false;
}

void ViewProspect::SetNeeds(const NeedsWish& wish, std::vector<Need>& needs) {
  AddNeeds(wish, wish.signature.logic_count - uint32_t{1}, needs);
  std::stable_sort(
      needs.begin(), needs.end(),
      [](const Need& a, const Need& b) { return a.rarity > b.rarity; });
}

void ViewProspect::AddNeeds(const NeedsWish& wish, uint32_t number,
                            std::vector<Need>& needs) {
  const LogicNode& node = tables_.LogicOf(wish.signature)[number];
  if (HoldsWithoutMatch(node)) return;
  if (node.kind == LogicKind::kAnd) {
    AddNeeds(wish, node.left, needs);
    AddNeeds(wish, node.right, needs);
    return;
  }
  if (node.kind == LogicKind::kOr) return AddNeedsOfEither(wish, node, needs);
  const AtomRecord& atom = tables_.AtomsOf(wish.signature)[node.left];
  if (atom.kind == AtomKind::kRegex && !wish.is_trigger) {
    NeedsWish trigger = wish;
    trigger.is_trigger = true;
    AddNeeds(trigger, tables_.regexes[atom.detail].trigger, needs);
  }
  if (atom.kind == wish.kind) AddNeedsOfAtom(atom, needs);
}

// Something of each side, in one.
void ViewProspect::AddNeedsOfEither(const NeedsWish& wish,
                                    const LogicNode& node,
                                    std::vector<Need>& needs) {
  std::vector<Need> left;
  std::vector<Need> right;
  AddNeeds(wish, node.left, left);
  AddNeeds(wish, node.right, right);
  if (left.empty() || right.empty()) return;
  Need any = RarestOf(left);
  const Need& other = RarestOf(right);
  any.any.insert(any.any.end(), other.any.begin(), other.any.end());
  any.rarity = std::min(any.rarity, other.rarity);
  needs.push_back(std::move(any));
}

void ViewProspect::AddNeedsOfAtom(const AtomRecord& atom,
                                  std::vector<Need>& needs) {
  Known& known = KnownOf(atom);
  if (known.variants.size() == 1) {
    for (Look& look : known.variants.front().looks) AddNeed({&look}, needs);
  } else {
    // Of each variant one.
    std::vector<Look*> any;
    for (Variant& variant : known.variants) {
      if (variant.looks.empty()) return;
      any.push_back(&RarestOf(variant.looks));
    }
    AddNeed(std::move(any), needs);
  }
  for (std::vector<Look>& choice : known.choices) {
    std::vector<Look*> any;
    for (Look& look : choice) any.push_back(&look);
    AddNeed(std::move(any), needs);
  }
}

void ViewProspect::AddNeed(std::vector<Look*> any, std::vector<Need>& needs) {
  if (any.empty()) return;
  unsigned rarity = any.front()->rarity;
  for (const Look* look : any) rarity = std::min(rarity, look->rarity);
  if (rarity != 0) needs.push_back({std::move(any), rarity});
}

bool ViewProspect::StandsOnce(Look& look, const OwnText& text) {
  if (look.text != text_) {
    uint64_t once = 1;
    look.stands = MayStand({look}, text, once);
    look.text = text_;
  }
  return look.stands;
}

}  // namespace gatehouse
