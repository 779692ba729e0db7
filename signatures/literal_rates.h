// LiteralRates: how often a byte string occurs in clean files.
//
// Estimated from statistics of a distribution's own files, text and binaries
// apart (tools/literal_rates makes them): the frequencies of pairs of bytes,
// and counts of four bytes, hashed. Estimates choose what is looked for, never
// a verdict.
//
// Thread-safe: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace gatehouse {

enum class FileKind : uint8_t { kTexts, kBinaries };

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

  // How often each pair of bytes occurs per byte of files of one kind, by first
  // byte, then second. As long as this lives.
  [[nodiscard]] std::span<const float> PairsOf(FileKind kind) const;

  struct Model;

 private:
  explicit LiteralRates(std::unique_ptr<const Model> model);

  std::unique_ptr<const Model> model_;
};

}  // namespace gatehouse
