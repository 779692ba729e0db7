#include "signatures/signature_price.h"

#include <algorithm>

#include "signatures/gram_rates.h"

namespace gatehouse {
namespace {

// Nanoseconds, as bench/signature_scan_bench measures them, on a processor of
// 2021. Per byte of a scan of texts with a large set:
constexpr double kByteNs = 1.0;
// What a gram that is seen costs, an occurrence of a literal, and another look
// at the pattern there.
constexpr double kGramNs = 25;
constexpr double kFoundNs = 25;
constexpr double kPlaceNs = 25;
// To search a byte for one pattern.
constexpr double kSearchNs = 0.1;
// For a text's normalised form: a look around a literal, a closer one at the
// text, and to make the form, per byte.
constexpr double kAroundNs = 15;
constexpr double kProspectNs = 300;
constexpr double kFormNs = 0.3;

struct Price {
  double ns = 0.0;         // Per byte, if nothing is done about it.
  double routed_ns = 0.0;  // By the route.
  PriceRoute route = PriceRoute::kNone;
};

void AddLiteral(const TriggerLiteral& literal, const LiteralRates& rates,
                Price& price) {
  const double rate = rates.RateOf(literal.bytes, literal.is_folded);
  const double grams = GramRateOf(literal.bytes, rates);
  price.ns += rate * (kFoundNs + kPlaceNs) + grams * kGramNs;
  price.routed_ns += rate * kFoundNs;
  if (rate > kTriggerRateFrequent) {
    price.route = std::max(price.route, PriceRoute::kOnlySeen);
  } else {
    price.routed_ns += rate * kPlaceNs;
  }
  if (grams > kGramRateMax) {
    price.route = std::max(price.route, PriceRoute::kApart);
  } else {
    price.routed_ns += grams * kGramNs;
  }
}

// There is no other way to look for the normalised form.
void AddOfView(const TriggerChoice& choice, const LiteralRates& rates,
               Price& price) {
  double ns = choice.is_always ? kFormNs : 0.0;
  for (const TriggerLiteral& literal : choice.literals) {
    ns += rates.RateOf(literal.bytes, true) * (kFoundNs + kAroundNs) +
          GramRateOf(literal.bytes, rates) * kGramNs;
  }
  if (!choice.literals.empty()) ns += choice.rate * kProspectNs;
  price.ns += ns;
  price.routed_ns += ns;
}

}  // namespace

std::optional<PricedSignature> PriceOf(
    const Signature& signature, const std::vector<TriggerChoice>& choices,
    const std::vector<TriggerChoice>& of_views, const LiteralRates& rates) {
  Price price;
  for (const TriggerChoice& choice : choices) {
    if (choice.is_always) {
      price.ns += kByteNs;
      price.routed_ns += kSearchNs;
      price.route = PriceRoute::kAlways;
    }
    for (const TriggerLiteral& literal : choice.literals) {
      AddLiteral(literal, rates, price);
    }
  }
  for (const TriggerChoice& choice : of_views) {
    if (!choice.is_only_told) AddOfView(choice, rates, price);
  }
  if (price.ns <= kPriceShareMax * kByteNs) return std::nullopt;
  return PricedSignature{0, signature.name, price.routed_ns / kByteNs,
                         price.route};
}

}  // namespace gatehouse
