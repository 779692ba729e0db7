#include "signatures/gram_rates.h"

#include <map>
#include <string_view>

#include "signatures/gram_filter.h"

namespace gatehouse {

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

// What a further literal costs that has the gram, of a stop.
constexpr double kOfMoreLiterals = 0.15;

double GramRateOfAll(const std::vector<std::vector<uint8_t>>& literals,
                     const LiteralRates& rates) {
  std::map<std::string_view, size_t> grams;
  for (const ByteView literal : literals) {
    const size_t size = literal.size();
    if (size < kGramLiteralBytesMin || size > kGramLiteralBytesMax) return 0.0;
    for (size_t i = 0; i < GramsWithin(size); ++i) {
      ++grams[AsText(literal.subspan(i)).substr(0, kGramBytes)];
    }
    // Behind any byte, its first four.
    if (size < kGramInnerBytesMin) {
      ++grams[AsText(literal.first(kGramBytesMin))];
    }
  }
  double sum = 0.0;
  for (const auto& [gram, literals_with_it] : grams) {
    const double costs =
        1.0 + kOfMoreLiterals * (static_cast<double>(literals_with_it) - 1.0);
    sum += costs * rates.RateOf(AsBytes(gram), true) / kGramStride;
  }
  return sum;
}

}  // namespace gatehouse
