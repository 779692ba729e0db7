#include "signatures/gram_rates.h"

#include <algorithm>
#include <map>
#include <utility>

#include "signatures/gram_filter.h"

namespace gatehouse {
namespace {

// What a further literal costs that has the gram, of a stop.
constexpr double kOfMoreLiterals = 0.15;

}  // namespace

GramRates::GramRates(ByteView run, size_t window, const LiteralRates& rates)
    : window_(window) {
  if (window < kGramLiteralBytesMin || window > kGramLiteralBytesMax) return;
  is_known_ = true;
  const auto rate_of = [&](size_t begin, size_t bytes) {
    // At one of so many places it is looked at.
    return rates.RateOf(run.subspan(begin, bytes), true) / kGramStride;
  };
  for (size_t i = 0; i + kGramBytes <= run.size(); ++i) {
    rates_.push_back(rate_of(i, kGramBytes));
  }
  if (window >= kGramStride - 1 + kGramBytes) return;
  for (size_t i = 0; i + kGramBytesMin <= run.size(); ++i) {
    short_rates_.push_back(rate_of(i, kGramBytesMin));
  }
}

double GramRates::Of(size_t begin) const {
  if (!is_known_) return 0.0;
  double sum = 0.0;
  for (size_t i = 0; i < GramsWithin(window_); ++i) {
    const bool is_short = i + kGramBytes > window_;
    sum += (is_short ? short_rates_ : rates_)[begin + i];
  }
  // Behind any byte, its first four.
  if (window_ < kGramInnerBytesMin) sum += short_rates_[begin];
  return sum;
}

double GramRateOf(ByteView literal, const LiteralRates& rates) {
  return GramRates(literal, literal.size(), rates).Of(0);
}

double GramRateOfAll(const std::vector<std::vector<uint8_t>>& literals,
                     const LiteralRates& rates) {
  struct Stop {
    ByteView gram;
    double literals = 0.0;
  };
  std::map<std::pair<size_t, uint64_t>, Stop> stops;  // By folded gram.
  const auto add = [&stops](ByteView gram) {
    Stop& stop = stops[{gram.size(), FoldedWord(GramWord(gram))}];
    stop.gram = gram;
    stop.literals += 1.0;
  };
  for (const ByteView literal : literals) {
    const size_t size = literal.size();
    if (size < kGramLiteralBytesMin || size > kGramLiteralBytesMax) return 0.0;
    for (size_t i = 0; i < GramsWithin(size); ++i) {
      add(literal.subspan(i, std::min(kGramBytes, size - i)));
    }
    // Behind any byte, its first four.
    if (size < kGramInnerBytesMin) add(literal.first(kGramBytesMin));
  }
  double sum = 0.0;
  for (const auto& [key, stop] : stops) {
    const double costs = 1.0 + kOfMoreLiterals * (stop.literals - 1.0);
    sum += costs * rates.RateOf(stop.gram, true) / kGramStride;
  }
  return sum;
}

}  // namespace gatehouse
