// How often content stops the search for a literal: its grams where a
// GramFilter looks.
//
// Thread-safe: pure functions and immutable values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "signatures/literal_rates.h"

namespace gatehouse {

// Of the windows of one length of a run of bytes.
class GramRates {
 public:
  GramRates(ByteView run, size_t window, const LiteralRates& rates);

  // Per byte of content, for the window that begins there. Zero when the filter
  // takes no literals of that length by their grams.
  [[nodiscard]] double Of(size_t begin) const;

 private:
  const size_t window_;
  bool is_known_ = false;
  std::vector<double> rates_;        // Of grams of kGramBytes, by place.
  std::vector<double> short_rates_;  // Of those of kGramBytesMin.
};

// Of a literal alone.
[[nodiscard]] double GramRateOf(ByteView literal, const LiteralRates& rates);
// Of literals of one length, together: where they share a gram the search stops
// once, and looks at each of them.
[[nodiscard]] double GramRateOfAll(
    const std::vector<std::vector<uint8_t>>& literals,
    const LiteralRates& rates);

}  // namespace gatehouse
