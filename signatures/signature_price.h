// What single signatures cost, and which cost too much.
//
// Estimated when a set is compiled, from statistics of clean files: how often
// something is found that has to be looked at. Thread-safe: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "signatures/literal_rates.h"
#include "signatures/signature.h"
#include "signatures/trigger_choice.h"

namespace gatehouse {

// How a signature is found that would cost more than kPriceShareMax.
// Values are on disk: never renumber.
enum class PriceRoute : uint8_t {
  kNone = 0,      // As any other: there is nothing cheaper.
  kOnlySeen = 1,  // Of its literals is only known whether they were seen.
  kApart = 2,     // Its literals are not looked for by their grams.
  kAlways = 3,    // Nothing is looked for: it is evaluated in every file.
};

struct PricedSignature {
  uint32_t signature = 0;  // Its number in the compiled set.
  std::string name;
  // Of the time that a scan with a large set takes; by the route.
  double share = 0.0;
  PriceRoute route = PriceRoute::kNone;
};

inline constexpr double kPriceShareMax = 0.01;
// Literals whose grams content has more often than this, per byte, are not
// looked for by them.
inline constexpr double kGramRateMax = 1e-2;
// Short literals that occur more often, per byte, are not reported place by
// place.
inline constexpr double kTriggerRateFrequent = 2e-3;

// Nothing if it costs less than kPriceShareMax. `of_views` is what is looked
// for in texts for the sake of their normalised forms; empty if nothing is.
[[nodiscard]] std::optional<PricedSignature> PriceOf(
    const Signature& signature, const std::vector<TriggerChoice>& choices,
    const std::vector<TriggerChoice>& of_views, const LiteralRates& rates);

}  // namespace gatehouse
