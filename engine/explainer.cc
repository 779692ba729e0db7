#include "engine/explainer.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/matching/signature_judge.h"
#include "engine/matching/work_budget.h"
#include "engine/scanner.h"
#include "engine/signature_reasons.h"

namespace gatehouse {
namespace {

// For all that is asked beyond the scans: some seconds.
constexpr uint64_t kProbeUnits = uint64_t{1} << 33;
// Of one signature: one that is everywhere must not use it up alone.
constexpr uint64_t kProbeUnitsOfOne = uint64_t{1} << 30;
// Signatures that are asked in one layer.
constexpr size_t kProbedMax = 2000;
// Nobody keeps more than that while looking for the nearest.
constexpr size_t kKeptMax = size_t{1} << 16;

std::string_view WordOf(std::optional<ViewKind> view) {
  return kLayerWords.at(view ? static_cast<size_t>(*view) + 1 : 0);
}

std::set<std::string> NamesOf(const Verdict& verdict) {
  std::set<std::string> names(verdict.other_names.begin(),
                              verdict.other_names.end());
  if (!verdict.threat_name.empty()) names.insert(verdict.threat_name);
  return names;
}

// What there is to tell first: those that match, then those that look most like
// it.
int RankOf(const NotedCandidate& candidate) {
  if (candidate.matches) return 0;
  if (candidate.was_seen) return candidate.passes_gates ? 1 : 2;
  return candidate.passes_gates ? 3 : 4;
}

size_t MissingIn(const ExplainedSignature& signature) {
  const auto missing =
      std::count_if(signature.atoms.begin(), signature.atoms.end(),
                    [](const ExplainedAtom& atom) { return atom.count == 0; });
  return static_cast<size_t>(missing);
}

// The nearest first: those that fail at a gate alone, then by what is missing.
bool IsNearer(const ExplainedSignature& one, const ExplainedSignature& other) {
  const auto key = [](const ExplainedSignature& signature) {
    return std::tuple(!signature.is_asked, !signature.reasons.empty(),
                      MissingIn(signature), signature.failed_gates.size(),
                      std::string_view(signature.name), signature.layer);
  };
  return key(one) < key(other);
}

void Cut(std::vector<ExplainedSignature>& list, size_t max, size_t& left_out) {
  if (list.size() <= max) return;
  left_out += list.size() - max;
  list.resize(max);
}

}  // namespace

struct Explainer::State {
  explicit State(std::shared_ptr<const SignatureSet> set)
      : signatures(std::move(set)), judge(*signatures) {
    reasons.looks_at_all_views = true;
  }

  void LookAtLayer(const NotedLayer& noted);
  void AddSignature(const NotedLayer& noted, const NotedCandidate& candidate);
  void FindAsked(std::string_view name);
  void AddAsked(std::vector<NotedCandidate>& candidates) const;
  bool IsAsked(uint32_t id) const {
    return std::find(asked.begin(), asked.end(), id) != asked.end();
  }

  const std::shared_ptr<const SignatureSet> signatures;
  SignatureJudge judge;
  ScanNotes costs;    // Of the scanner that is warmed up.
  ScanNotes reasons;  // Of the other.
  std::unique_ptr<Scanner> scanner;
  std::unique_ptr<Scanner> looking_scanner;
  size_t places_max = 0;
  std::vector<uint32_t> asked;  // Signatures of the name that was asked for.
  WorkBudget budget{0};
  Explanation told;  // What it comes to.
  bool all_agree = true;
  std::set<std::string, std::less<>> body_names;  // Of those that match.
};

Explainer::Explainer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Explainer::~Explainer() = default;

Result<std::unique_ptr<Explainer>> Explainer::Create(
    std::shared_ptr<const SignatureSet> signatures) {
  assert(signatures != nullptr);
  auto state = std::make_unique<State>(std::move(signatures));
  Result<std::unique_ptr<Scanner>> scanner =
      Scanner::Create(state->signatures, {&state->costs});
  if (!scanner) return Unexpected(scanner.error());
  state->scanner = std::move(*scanner);
  scanner = Scanner::Create(state->signatures, {&state->reasons});
  if (!scanner) return Unexpected(scanner.error());
  state->looking_scanner = std::move(*scanner);
  return std::unique_ptr<Explainer>(new Explainer(std::move(state)));
}

Explanation Explainer::Explain(int fd, const ExplainOptions& options) {
  State& state = *state_;
  state.told = {};
  state.all_agree = true;
  state.body_names.clear();
  state.places_max = options.places_max;
  state.FindAsked(options.signature);
  state.budget = WorkBudget(kProbeUnits);
  ScanLimits limits = options.limits;
  limits.wants_sha256 = true;
  (void)state.scanner->Scan(fd, limits);
  state.costs = {};
  Explanation& told = state.told;
  told.verdict = state.scanner->Scan(fd, limits);
  told.type = state.costs.type();
  for (size_t i = 0; i < kScanStageCount; ++i) {
    told.costs.push_back(
        {kScanStageWords.at(i), state.costs.TimeOf(static_cast<ScanStage>(i))});
  }
  told.triggers = state.costs.triggers();
  told.candidates = state.costs.candidates();
  told.atoms_tried = state.costs.atoms_tried();
  told.views_are_cut = state.costs.views_are_cut();
  state.reasons.on_layer = [&state](const NotedLayer& noted) {
    state.LookAtLayer(noted);
  };
  const Verdict again = state.looking_scanner->Scan(fd, limits);
  const std::set<std::string> names = NamesOf(told.verdict);
  // Where the work limit ended the scan, nobody knows what the rest would say.
  const bool is_limited = again.reason == NotScannedReason::kWorkLimit ||
                          again.unfinished == NotScannedReason::kWorkLimit;
  told.agrees = again.kind == told.verdict.kind && NamesOf(again) == names &&
                (state.all_agree || is_limited);
  for (const std::string& name : names) {
    if (!state.body_names.contains(name)) told.other_names.push_back(name);
  }
  std::sort(told.matches.begin(), told.matches.end(), IsNearer);
  std::sort(told.near_misses.begin(), told.near_misses.end(), IsNearer);
  Cut(told.matches, options.signatures_max, told.matches_left_out);
  Cut(told.near_misses, options.signatures_max, told.near_misses_left_out);
  return std::move(told);
}

void Explainer::State::FindAsked(std::string_view name) {
  asked.clear();
  if (name.empty()) return;
  const std::string_view wanted = CanonicalThreatName(name);
  for (uint32_t id = 0; id < signatures->tables().signatures.size(); ++id) {
    if (CanonicalThreatName(signatures->body_name(id)) == wanted)
      asked.push_back(id);
  }
  told.has_asked_signature = !asked.empty();
}

// Those of which nothing was seen.
void Explainer::State::AddAsked(std::vector<NotedCandidate>& candidates) const {
  for (const uint32_t id : asked) {
    const bool is_there = std::any_of(
        candidates.begin(), candidates.end(),
        [id](const NotedCandidate& one) { return one.signature == id; });
    if (!is_there) candidates.push_back({id});
  }
}

void Explainer::State::LookAtLayer(const NotedLayer& noted) {
  ExplainedLayer layer;
  layer.word = WordOf(noted.view);
  layer.target = static_cast<uint8_t>(noted.layer.target);
  layer.bytes = noted.layer.content.size();
  layer.triggers = noted.triggers;
  layer.crowded_triggers = noted.crowded_triggers;
  layer.candidates = noted.candidates.size();
  told.layers.push_back(layer);
  for (const NotedCandidate& candidate : noted.candidates) {
    if (candidate.matches) {
      body_names.emplace(signatures->body_name(candidate.signature));
    }
  }
  std::vector<NotedCandidate> ranked = noted.candidates;
  AddAsked(ranked);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [this](const NotedCandidate& a, const NotedCandidate& b) {
                     const auto key = [this](const NotedCandidate& candidate) {
                       return std::pair(!IsAsked(candidate.signature),
                                        RankOf(candidate));
                     };
                     return key(a) < key(b);
                   });
  for (size_t i = 0; i < ranked.size(); ++i) {
    if (i == kProbedMax || budget.is_exhausted()) {
      told.candidates_left_out += ranked.size() - i;
      return;
    }
    AddSignature(noted, ranked[i]);
  }
}

void Explainer::State::AddSignature(const NotedLayer& noted,
                                    const NotedCandidate& candidate) {
  const SignatureTables& tables = signatures->tables();
  const SignatureRecord& record = tables.signatures[candidate.signature];
  const uint64_t units = std::min(budget.left(), kProbeUnitsOfOne);
  WorkBudget of_one(units);
  const SignatureJudge::Probed probed =
      judge.Probe(noted.layer, candidate.signature, places_max, of_one);
  (void)budget.Take(units - of_one.left());
  ExplainedSignature signature;
  signature.matches = candidate.matches;
  signature.is_complete = probed.is_complete;
  signature.failed_gates = FailedGates(tables, record, noted.layer);
  const bool holds = probed.nodes.back().holds;
  // A broken count says nothing, and patterns of macros do not count alone.
  const auto& macros = tables.macro_signatures;
  const bool is_judged =
      probed.is_complete && std::find(macros.begin(), macros.end(),
                                      candidate.signature) == macros.end();
  signature.agrees =
      !is_judged ||
      candidate.matches == (signature.failed_gates.empty() && holds);
  all_agree = all_agree && signature.agrees;
  bool has_any = false;
  for (size_t i = 0; i < probed.atoms.size(); ++i) {
    const AtomRecord& atom = tables.AtomsOf(record)[i];
    has_any = has_any || probed.atoms[i].count != 0;
    signature.atoms.push_back(
        {atom.kind, probed.atoms[i].count, probed.places[i]});
  }
  const bool is_asked = IsAsked(candidate.signature);
  if (!signature.matches && !has_any && !holds && !is_asked) return;
  signature.name = tables.Text(record.name);
  signature.layer = told.layers.size() - 1;
  signature.logic = LogicText(tables, record);
  signature.reasons = ReasonsAgainst(tables, record, probed);
  signature.is_asked = is_asked;
  std::vector<ExplainedSignature>& list =
      signature.matches ? told.matches : told.near_misses;
  if (list.size() == kKeptMax) {
    ++(signature.matches ? told.matches_left_out : told.near_misses_left_out);
    return;
  }
  list.push_back(std::move(signature));
}

}  // namespace gatehouse
