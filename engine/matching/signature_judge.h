// SignatureJudge: which signatures match a layer, exactly.
//
// Triggers say where to look. A signature whose trigger was seen is confirmed:
// its gates first, then the pattern at the very place, then its other atoms,
// regular expressions last, and nothing twice.
//
// One thread at a time. Borrows the SignatureSet, which must outlive it; keeps
// its memory from layer to layer.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/matching/anchor_search.h"
#include "engine/matching/layer.h"
#include "engine/matching/pattern_parts.h"
#include "engine/matching/pattern_search.h"
#include "engine/matching/regex_matcher.h"
#include "engine/matching/scan_notes.h"
#include "engine/matching/seen_starts.h"
#include "engine/matching/trigger_hits.h"
#include "engine/matching/view_prospect.h"
#include "engine/matching/work_budget.h"
#include "signatures/matched_ids.h"
#include "signatures/signature_set.h"

namespace gatehouse {

class SignatureJudge {
 public:
  explicit SignatureJudge(const SignatureSet& signatures)
      : SignatureJudge(signatures.tables()) {}
  explicit SignatureJudge(const SignatureTables& tables);

  // Notes what is done from now on; null: nothing.
  void Observe(ScanNotes* notes) { notes_ = notes; }

  // Adds to `matched` the signatures of the shard that match the layer in which
  // `hits`, which are finished, were found. When the budget is used up, what
  // was not confirmed until then is not added.
  void Judge(const Layer& layer, size_t shard, const TriggerHits& hits,
             WorkBudget& budget, MatchedIds& matched);

  // Which signatures may match the normalised form of a text, by what was seen
  // in its own bytes and in its seams, and by the facts of `layer`, which are
  // those of the form, too. False: none.
  bool FindForView(const Layer& layer, size_t shard, const TriggerHits& hits,
                   const TriggerHits& seam_hits, const OwnText& text);
  // Adds those of them that match the layer, which is that form.
  void JudgeFound(const Layer& layer, WorkBudget& budget, MatchedIds& matched);

  // Every atom and every node of one signature, whether they decide or not.
  struct Probed {
    std::vector<MatchCount> atoms;
    // Of at most `places_max` matches of each, where they begin; of a pattern
    // with gaps, where its last part begins.
    std::vector<std::vector<uint64_t>> places;
    struct Node {
      bool holds = false;
      uint64_t sum = 0;  // Of matches, where they are compared or it holds.
    };
    std::vector<Node> nodes;
    bool is_complete = true;  // False: the budget was used up.
  };
  Probed Probe(const Layer& layer, uint32_t id, size_t places_max,
               WorkBudget& budget);

 private:
  enum class Truth : uint8_t { kNo, kYes, kUnknown };
  struct NodeValue {
    Truth truth = Truth::kNo;
    uint64_t sum = 0;        // Of matches, if it holds.
    uint32_t different = 0;  // Atoms that matched.
  };
  struct Counted {
    MatchCount found;
    uint64_t counted_to = 0;  // Counting stopped there; kAll: never.
  };
  struct AtomState : Counted {
    SeenTrigger seen;
  };
  struct Candidate {
    uint32_t signature = 0;
    uint32_t use = 0;  // In trigger_uses, or view_uses.
    uint32_t hit = 0;  // In the hits.
    uint8_t group = 0;
    uint8_t groups = 0;  // Of a view: all that must have been seen.
  };
  static constexpr uint32_t kNoUse = ~uint32_t{0};
  struct Case;  // The signature that is looked at.

  void AddCandidates(const TriggerHits& hits, size_t shard);
  void AddOfView(const TriggerHits& hits, size_t shard, const OwnText* text);
  void AddBeginnings(const OwnText& text);
  bool ArePromising(Case& one, const TriggerHits& hits, size_t first,
                    size_t last);
  bool IsPromising(Case& one, const TriggerUse& use,
                   std::span<const uint64_t> ends);
  void SortCandidates();
  void AddAlways(size_t shard);
  void CollectAnchored(const Layer& layer, size_t shard);
  bool IsAt(const Layer& layer, const AnchorUse& anchor, uint64_t place);
  bool Matches(Case& one);
  void Begin(const SignatureRecord& signature);
  NodeValue Evaluate(Case& one, uint32_t node, uint64_t enough);
  NodeValue EvaluatePair(Case& one, const LogicNode& node, uint64_t enough);
  NodeValue EvaluateAtom(Case& one, uint32_t atom, uint64_t enough);
  MatchCount CountPattern(Case& one, uint32_t atom, uint64_t enough);
  std::vector<uint64_t> PlacesOf(Case& one, uint32_t atom, size_t places_max);
  MatchCount SearchPattern(Case& one, uint32_t atom, uint64_t enough);
  MatchCount CountRegex(Case& one, uint32_t atom, uint64_t enough);
  MatchCount CountMacro(Case& one, uint32_t atom);
  ByteView Subject(const Layer& layer);

  const SignatureTables& tables_;
  AnchorSearch anchors_;
  ViewProspect prospect_;
  PatternSearch search_;
  PatternParts parts_;
  SeenStarts seen_starts_;
  RegexMatcher regexes_;
  std::vector<Candidate> candidates_;
  std::vector<uint32_t> found_;  // By FindForView.
  std::vector<AtomState> atoms_;
  std::unordered_map<uint64_t, Counted> counted_;  // By offset and program.
  std::vector<PlaceInterval> starts_;
  std::vector<uint8_t> subject_;  // A whole layer that is not in memory.
  bool has_subject_ = false;
  ScanNotes* notes_ = nullptr;
};

}  // namespace gatehouse
