#include "signatures/program_triggers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "signatures/byte_pattern.h"
#include "signatures/gram_filter.h"
#include "signatures/gram_rates.h"
#include "signatures/signature_tables.h"
#include "signatures/spelled_windows.h"

namespace gatehouse {
namespace {

constexpr double kShortRate = 1e-4;
constexpr double kShortRateInText = 1.0;
// A gram of a literal that is seen costs so much of a confirmation.
constexpr double kGramCost = 0.1;
// So much of one to look around a literal in a text.
constexpr double kAroundCost = 0.2;
// What a literal costs besides, of several that stand for one.
constexpr double kSpellingCost = 1e-8;
// What a literal costs that has grams with any byte in front: 192 of them.
constexpr double kManyGramsCost = 3e-6;
// Of a longer part it would take long.
constexpr size_t kSpelledPartBytesMax = 4096;
// What is cheaper is not worth being spelled out.
constexpr double kSpelledCostMin = 1e-6;
// More short ones would make the masks of all pairs useless.
constexpr size_t kShortSpellingsMax = 8;

// What a literal costs for its length alone.
double CostOfLength(size_t bytes) {
  const bool has_many_grams =
      bytes >= kLiteralBytesShort && bytes < kGramInnerBytesMin;
  return has_many_grams ? kManyGramsCost : 0.0;
}

// The cheapest window of one run.
struct Window {
  ByteView bytes;
  uint32_t begin = 0;
  double rate = kRateAlways;
  double cost = kRateAlways;
};

Window CheapestWindow(const FixedRun& run, size_t window,
                      const LiteralRates& rates, double cost_max) {
  Window best;
  best.cost = cost_max;
  const size_t length = std::min(window, run.bytes.size());
  if (length < 2) return best;
  const GramRates grams(run.bytes, length, rates);
  for (size_t i = 0; i + length <= run.bytes.size(); ++i) {
    const double gram_cost = kGramCost * grams.Of(i) + CostOfLength(length);
    if (gram_cost >= best.cost) continue;
    const ByteView bytes = run.bytes.subspan(i, length);
    double rate = rates.RateOf(bytes, run.is_folded);
    if (length < kLiteralBytesShort) rate += kShortRate;
    if (rate + gram_cost >= best.cost) continue;
    best = {bytes, static_cast<uint32_t>(i), rate, rate + gram_cost};
  }
  return best;
}

// Takes the window for the trigger if it is cheaper.
void ConsiderSpelled(const SpelledWindow& window, uint16_t part,
                     const LiteralRates& rates, ProgramTrigger& best) {
  const size_t length = window.texts.front().size();
  const double spelling = kSpellingCost + CostOfLength(length);
  const bool is_short = length < kLiteralBytesShort;
  if (is_short && window.texts.size() > kShortSpellingsMax) return;
  const double short_rate = is_short ? kShortRate : 0.0;
  double rate = 0.0;
  double cost = 0.0;
  for (const std::vector<uint8_t>& text : window.texts) {
    const double one = rates.RateOf(text, window.is_folded) + short_rate;
    rate += one;
    cost += one + spelling;
    if (cost >= best.cost) return;
  }
  cost += kGramCost * GramRateOfAll(window.texts, rates);
  if (cost >= best.cost) return;
  best.rate = rate;
  best.cost = cost;
  best.literals.clear();
  for (const std::vector<uint8_t>& text : window.texts) {
    TriggerLiteral literal;
    literal.bytes = text;
    literal.is_folded = window.is_folded;
    literal.is_spelled = true;
    literal.part = part;
    literal.distance_min = window.distance_min;
    literal.distance_max = window.distance_max;
    best.literals.push_back(std::move(literal));
  }
}

void ConsiderAllSpelled(const std::vector<PatternPart>& parts,
                        const WindowWish& wish, const LiteralRates& rates,
                        ProgramTrigger& best) {
  if (best.cost <= kSpelledCostMin) return;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].code.size() > kSpelledPartBytesMax) continue;
    for (const SpelledWindow& window : SpelledWindowsOf(parts[i].code, wish)) {
      ConsiderSpelled(window, static_cast<uint16_t>(i), rates, best);
    }
  }
}

// The pieces of a run that stand in a text as they stand in its normalised form
// but for their case: without white space. Nothing: it is not in the form.
std::optional<std::vector<FixedRun>> PiecesInText(const FixedRun& run) {
  std::vector<FixedRun> pieces;
  size_t begin = 0;
  for (size_t i = 0; i <= run.bytes.size(); ++i) {
    const bool is_end = i == run.bytes.size();
    if (!is_end && IsForeignToView(run.bytes[i], run.is_folded)) {
      return std::nullopt;
    }
    if (!is_end && run.bytes[i] != ' ') continue;
    if (i > begin) {
      FixedRun piece;
      piece.bytes = run.bytes.subspan(begin, i - begin);
      piece.is_folded = true;
      pieces.push_back(piece);
    }
    begin = i + 1;
  }
  return pieces;
}

// Around a literal, on either side: what is looked at before more is.
constexpr size_t kAroundBytesMax = 16;

// A neighbour that is there by chance as often says little.
constexpr double kNeighbourChanceMax = 0.25;

// A literal of a run, in the own bytes of a text.
TriggerLiteral InText(ByteView run, size_t begin, size_t length) {
  TriggerLiteral literal;
  const ByteView bytes = run.subspan(begin, length);
  literal.bytes.assign(bytes.begin(), bytes.end());
  literal.is_folded = true;
  const size_t front = std::min(begin, kAroundBytesMax);
  const size_t back = std::min(run.size() - begin - length, kAroundBytesMax);
  if (front + back == 0) return literal;
  literal.around = run.subspan(begin - front, front + length + back);
  literal.begin = static_cast<uint32_t>(front);
  return literal;
}

struct InTextWish {
  uint16_t part = 0;
  size_t window = 0;
  const LiteralRates& rates;
};

// The cheapest literal of a run, if it is cheaper than what there was.
void ConsiderInText(const FixedRun& run, const std::vector<FixedRun>& pieces,
                    const InTextWish& wish, ProgramTrigger& best) {
  const auto& [part, window, rates] = wish;
  for (const FixedRun& piece : pieces) {
    Window found = CheapestWindow(piece, window, rates, kRateAlways);
    if (found.bytes.empty()) continue;
    if (found.bytes.size() < kLiteralBytesShort) {
      found.rate += kShortRateInText;
      found.cost += kShortRateInText;
    }
    const auto piece_begin =
        static_cast<size_t>(piece.bytes.data() - run.bytes.data());
    TriggerLiteral literal =
        InText(run.bytes, piece_begin + found.begin, found.bytes.size());
    const auto begin = static_cast<uint32_t>(piece_begin) + found.begin;
    literal.part = part;
    literal.distance_min = run.distance_min + begin;
    literal.distance_max = run.distance_max + begin;
    // Where it is seen, what is around it is looked at.
    if (!literal.around.empty()) {
      found.cost -= (1.0 - kAroundCost) * found.rate;
      found.rate = std::min(found.rate, rates.RateOf(literal.around, true));
      found.cost += found.rate;
    }
    if (found.cost >= best.cost) continue;
    best.rate = found.rate;
    best.cost = found.cost;
    best.literals.assign(1, std::move(literal));
  }
}

// Bytes between a literal and what is its neighbour.
struct Gap {
  uint64_t min = 0;
  uint64_t max = 0;
};

// Takes the run for a neighbour if it is seldom there by chance, and more
// seldom than what there was.
void ConsiderNeighbour(const FixedRun& run, Gap gap, bool is_before,
                       const LiteralRates& rates, double& chance,
                       TriggerNeighbour& best) {
  // The nearest bytes of the run; of two letters and more the rate is known.
  const size_t size = std::min(run.bytes.size(), kNeighbourBytesMax);
  if (gap.max > kNeighbourGapMax || size < 2) return;
  const ByteView bytes =
      is_before ? run.bytes.last(size) : run.bytes.first(size);
  const double found =
      rates.RateOf(bytes, true) * static_cast<double>(gap.max - gap.min + 1);
  if (found >= chance) return;
  chance = found;
  best = {bytes, static_cast<uint32_t>(gap.min), static_cast<uint32_t>(gap.max),
          is_before};
}

// The run of the pattern before or behind the literal that tells most.
TriggerNeighbour NeighbourOf(const std::vector<PatternPart>& parts,
                             const TriggerLiteral& literal,
                             const LiteralRates& rates) {
  TriggerNeighbour best;
  double chance = kNeighbourChanceMax;
  const PatternPart& part = parts[literal.part];
  const uint64_t first = literal.distance_min;
  const uint64_t last = first + literal.bytes.size();
  const uint64_t spread = literal.distance_max - literal.distance_min;
  const FixedRun* before = nullptr;
  const FixedRun* behind = nullptr;
  for (const FixedRun& run : part.runs) {
    if (run.distance_min + run.bytes.size() <= first) before = &run;
    if (behind == nullptr && run.distance_min >= last) behind = &run;
  }
  // Distances are sums of what is between: so are their differences.
  if (before != nullptr) {
    const uint64_t end = before->distance_min + before->bytes.size();
    const uint64_t min = first - end;
    ConsiderNeighbour(
        *before,
        {min, min + spread - (before->distance_max - before->distance_min)},
        true, rates, chance, best);
  } else if (literal.part > 0 && !parts[literal.part - 1].runs.empty()) {
    const PatternPart& other = parts[literal.part - 1];
    const FixedRun& run = other.runs.back();
    const uint64_t bytes = run.bytes.size();
    ConsiderNeighbour(
        run,
        {first + part.gap_min + other.length_min - run.distance_min - bytes,
         literal.distance_max + uint64_t{part.gap_max} + other.length_max -
             run.distance_max - bytes},
        true, rates, chance, best);
  }
  if (behind != nullptr) {
    const uint64_t min = behind->distance_min - last;
    ConsiderNeighbour(
        *behind,
        {min, min + behind->distance_max - behind->distance_min - spread},
        false, rates, chance, best);
  } else if (literal.part + size_t{1} < parts.size() &&
             !parts[literal.part + size_t{1}].runs.empty()) {
    const PatternPart& other = parts[literal.part + size_t{1}];
    const FixedRun& run = other.runs.front();
    ConsiderNeighbour(
        run,
        {part.length_min - last + other.gap_min + run.distance_min,
         part.length_max - last - spread + uint64_t{other.gap_max} +
             run.distance_max},
        false, rates, chance, best);
  }
  return best;
}

}  // namespace

ProgramTrigger TriggerInLayer(ByteView program, size_t window,
                              const LiteralRates& rates) {
  ProgramTrigger best;
  const auto parts = PartsOf(program);
  if (!parts) return best;
  for (size_t i = 0; i < parts->size(); ++i) {
    for (const FixedRun& run : (*parts)[i].runs) {
      const Window found = CheapestWindow(run, window, rates, best.cost);
      if (found.bytes.empty()) continue;
      TriggerLiteral literal;
      literal.bytes.assign(found.bytes.begin(), found.bytes.end());
      literal.is_folded = run.is_folded;
      literal.part = static_cast<uint16_t>(i);
      literal.distance_min = run.distance_min + found.begin;
      literal.distance_max = run.distance_max + found.begin;
      best.rate = found.rate;
      best.cost = found.cost;
      best.literals.assign(1, std::move(literal));
    }
  }
  ConsiderAllSpelled(*parts, {kPairLiteralBytesMin, window, false}, rates,
                     best);
  return best;
}

ProgramTrigger TriggerInText(ByteView program, size_t window,
                             const LiteralRates& rates) {
  ProgramTrigger best;
  const auto parts = PartsOf(program);
  if (!parts) return best;
  for (size_t i = 0; i < parts->size(); ++i) {
    for (const FixedRun& run : (*parts)[i].runs) {
      const auto pieces = PiecesInText(run);
      if (!pieces) {
        best.is_never = true;
        best.literals.clear();
        return best;
      }
      ConsiderInText(run, *pieces, {static_cast<uint16_t>(i), window, rates},
                     best);
    }
  }
  ConsiderAllSpelled(*parts, {kLiteralBytesShort, window, true}, rates, best);
  for (TriggerLiteral& literal : best.literals) {
    literal.neighbour = NeighbourOf(*parts, literal, rates);
  }
  return best;
}

}  // namespace gatehouse
