// The part of ViewProspect that looks for the rarest words first.
#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "engine/matching/view_prospect.h"

namespace gatehouse {
namespace {

// Of one atom, the rarest ones: a pattern may have thousands of parts.
constexpr size_t kNeedsOfAtomMax = 16;
// One of more words is nearly always there.
constexpr size_t kWordsOfNeedMax = 64;

template <class T>
T& RarestOf(std::vector<T>& all) {
  return *std::max_element(all.begin(), all.end(), [](const T& a, const T& b) {
    return a.rarity < b.rarity;
  });
}

template <class T>
void SortRarestFirst(std::vector<T>& all) {
  std::stable_sort(all.begin(), all.end(),
                   [](const T& a, const T& b) { return a.rarity > b.rarity; });
}

}  // namespace

// Reads what the patterns or the expressions of a signature need. Each atom is
// read once, however often the logic, or triggers of triggers, ask for it.
class ViewProspect::NeedsReader {
 public:
  NeedsReader(ViewProspect& prospect, const SignatureRecord& signature,
              AtomKind kind)
      : prospect_(prospect),
        atoms_(prospect.tables_.AtomsOf(signature)),
        logic_(prospect.tables_.LogicOf(signature)),
        kind_(kind),
        of_atoms_(atoms_.size()) {}

  std::vector<Need> Read() {
    List all;
    AddNode(static_cast<uint32_t>(logic_.size() - 1), all);
    SortRarestFirst(all.needs);
    return std::move(all.needs);
  }

 private:
  // All of them are needed.
  struct List {
    std::vector<Need> needs;
    uint64_t atoms = 0;  // Whose they are, a bit each: there are 64 at most.
  };

  void AddNode(uint32_t number, List& list) {
    const LogicNode& node = logic_[number];
    if (HoldsWithoutMatch(node)) return;
    switch (node.kind) {
      case LogicKind::kAnd:
        AddNode(node.left, list);
        return AddNode(node.right, list);
      case LogicKind::kOr:
        return AddEither(node, list);
      case LogicKind::kAtom:
        break;
    }
    const uint64_t bit = uint64_t{1} << node.left;
    if ((list.atoms & bit) != 0) return;
    list.atoms |= bit;
    const std::vector<Need>& more = OfAtom(node.left);
    list.needs.insert(list.needs.end(), more.begin(), more.end());
  }

  // Something of each side, in one.
  void AddEither(const LogicNode& node, List& list) {
    List left;
    List right;
    AddNode(node.left, left);
    AddNode(node.right, right);
    if (left.needs.empty() || right.needs.empty()) return;
    std::vector<Look*> any = std::move(RarestOf(left.needs).any);
    const std::vector<Look*>& other = RarestOf(right.needs).any;
    for (Look* look : other) {
      if (std::find(any.begin(), any.end(), look) == any.end()) {
        any.push_back(look);
      }
    }
    AddNeed(std::move(any), list.needs);
  }

  const std::vector<Need>& OfAtom(uint32_t number) {
    std::optional<std::vector<Need>>& known = of_atoms_[number];
    if (known) return *known;
    const AtomRecord& atom = atoms_[number];
    List all;
    if (atom.kind == AtomKind::kRegex) {
      AddNode(prospect_.tables_.regexes[atom.detail].trigger, all);
    }
    if (atom.kind == kind_) AddOwn(atom, all.needs);
    SortRarestFirst(all.needs);
    if (all.needs.size() > kNeedsOfAtomMax) all.needs.resize(kNeedsOfAtomMax);
    known = std::move(all.needs);
    return *known;
  }

  void AddOwn(const AtomRecord& atom, std::vector<Need>& needs) {
    Known& known = prospect_.KnownOf(atom);
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

  static void AddNeed(std::vector<Look*> any, std::vector<Need>& needs) {
    if (any.empty() || any.size() > kWordsOfNeedMax) return;
    unsigned rarity = any.front()->rarity;
    for (const Look* look : any) rarity = std::min(rarity, look->rarity);
    if (rarity != 0) needs.push_back({std::move(any), rarity});
  }

  ViewProspect& prospect_;
  const std::span<const AtomRecord> atoms_;
  const std::span<const LogicNode> logic_;
  const AtomKind kind_;
  std::vector<std::optional<std::vector<Need>>> of_atoms_;
};

// Whether the text has something of each kind that the signature needs. Whose
// words are rare is asked for first: most texts have none of them.
bool ViewProspect::HasNeeds(const Case& one) {
  const auto [found, is_new] = needs_.try_emplace(&one.signature);
  Needs& needs = found->second;
  if (is_new) {
    needs.all = NeedsReader(*this, one.signature, AtomKind::kPattern).Read();
  }
  if (!HasAll(needs.all, one.text)) return false;
  if (needs.has_expressions) return true;
  needs.has_expressions = true;
  std::vector<Need> more =
      NeedsReader(*this, one.signature, AtomKind::kRegex).Read();
  const bool has_all = HasAll(more, one.text);
  std::move(more.begin(), more.end(), std::back_inserter(needs.all));
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

bool ViewProspect::StandsOnce(Look& look, const OwnText& text) {
  if (look.text != text_) {
    uint64_t once = 1;
    look.stands = MayStand({look}, text, once);
    look.text = text_;
  }
  return look.stands;
}

}  // namespace gatehouse
