// Turns signatures into tables, and chooses what is looked for.
//
// Thread-safe: a pure function. CPU-bound: some hundred milliseconds for a
// hundred thousand patterns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "signatures/signature.h"
#include "signatures/signature_price.h"
#include "signatures/signature_tables.h"

namespace gatehouse {

inline constexpr size_t kSignaturesMax = size_t{1} << 24;
// Literals of this length or more are looked for together; the others, which
// would slow the search for all, apart.
inline constexpr size_t kTriggerBytesLong = 5;

// One thing to look for; its number in the shard is its index.
struct TriggerText {
  std::vector<uint8_t> bytes;
  bool is_folded = false;
  // Short, and nearly everywhere, or about another layer: only whether it was
  // seen is reported.
  bool is_frequent = false;
  // Its grams are so common that a filter of grams would stop at nothing else.
  bool has_common_gram = false;

  friend auto operator<=>(const TriggerText&, const TriggerText&) = default;
};

// Where the triggers of a shard are looked for.
enum class LookedIn : uint8_t {
  kAnything,
  kTexts,  // Or their normalised forms.
  kHtml,   // Files or their normalised views.
};

struct ShardTriggers {
  std::vector<TriggerText> texts;
  LookedIn looked_in = LookedIn::kAnything;
};

struct CompiledTables {
  TableVectors tables;
  std::vector<ShardTriggers> triggers;  // By shard.
  std::vector<PricedSignature> priced;  // In order of name.
};

// The signatures are numbered in order of name. Errors: kLimitExceeded.
Result<CompiledTables> CompileTables(std::vector<Signature> signatures,
                                     size_t window, const LiteralRates& rates);

}  // namespace gatehouse
