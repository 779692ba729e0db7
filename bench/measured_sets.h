// The signature sets that scans are measured with.
//
// Thread-compatible plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/clean_corpus.h"
#include "signatures/signatures.h"

namespace gatehouse {

struct MeasuredSet {
  std::string name;
  Signatures signatures;
  // The same patterns for Hyperscan; empty if that is not to be measured.
  std::vector<std::string> expressions;
  // Its signatures are about the own bytes of files only, as expressions are.
  bool is_of_own_bytes = false;
};

using Program = std::vector<uint8_t>;

// Patterns to draw from, in the order of the seed.
struct PatternSource {
  std::vector<Program> literals;   // Of printable bytes only, 6 to 128.
  std::vector<Program> fixed;      // Of any bytes.
  std::vector<Program> wildcards;  // What Hyperscan can match exactly.
};

// From the signatures of a set.
[[nodiscard]] PatternSource PatternsOf(const std::vector<Signature>& bodies,
                                       uint32_t seed);
// Without a set: from pieces of clean files with some bytes changed.
[[nodiscard]] PatternSource PatternsLike(const std::vector<CleanCorpus>& clean,
                                         uint32_t seed);

// Keeps the first `wanted` that do not occur in `clean`: no signature has such
// a pattern. Returns how many did.
size_t KeepUnseen(const std::vector<CleanCorpus>& clean, size_t wanted,
                  std::vector<Program>& programs);

[[nodiscard]] MeasuredSet LiteralSet(const PatternSource& source, size_t count);
// The same patterns, about the own bytes of files only.
[[nodiscard]] MeasuredSet OfOwnBytes(MeasuredSet set);
// 60 % fixed, 40 % with wildcards.
[[nodiscard]] MeasuredSet MixedSet(const PatternSource& source, size_t count);
// All patterns of all signatures as expressions: they take minutes to compile.
void AddExpressions(MeasuredSet& set);

}  // namespace gatehouse
