// LiteralRates: how often a byte string occurs in clean files.
//
// Estimated from statistics of a distribution's own files, text and binaries
// apart (tools/literal_rates makes them): the frequencies of pairs of bytes,
// and counts of four bytes, hashed. Estimates choose what is looked for, never
// a verdict.
//
// Thread-safe: immutable.
#pragma once

#include <memory>

#include "base/bytes.h"

namespace gatehouse {

class LiteralRates {
 public:
  // Those that this build carries; some MB, so make it once per compilation.
  static LiteralRates BuiltIn();
  LiteralRates(LiteralRates&& other) noexcept;
  ~LiteralRates();

  // Occurrences per byte of a file, in the worse of text and binaries. If
  // `is_folded`, ASCII letters count in either case. `literal` has two bytes or
  // more.
  [[nodiscard]] double RateOf(ByteView literal, bool is_folded) const;

  struct Model;

 private:
  explicit LiteralRates(std::unique_ptr<const Model> model);

  std::unique_ptr<const Model> model_;
};

}  // namespace gatehouse
