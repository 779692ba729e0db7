// TriggerDatabase: all triggers of a shard, ready to be looked for.
//
// Those of a middle length are a GramFilter, the others, and all of a shard
// that has only a few, are compiled for Hyperscan.
//
// Thread-safe after construction: immutable. Borrows the filter's words, owns
// Hyperscan's database.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "signatures/gram_filter.h"
#include "signatures/signature_compiler.h"

struct hs_database;  // Hyperscan's, opaque; named by two .cc files only.

namespace gatehouse {

// What triggers are looked for with. All means find the same.
enum class TriggerMeans : uint8_t {
  kFastest,
  kGrams,  // Whatever the filter can take.
  kHyperscan,
};

// Triggers as they are kept: what TriggerDatabase opens.
struct PackedTriggers {
  std::vector<uint64_t> grams;  // Empty when there are none.
  std::vector<uint8_t> others;  // As well.
};

// CPU-bound. Errors: kInvalidInput with Hyperscan's message; kNotSupported when
// this processor is too old; kLimitExceeded; kOperational.
Result<PackedTriggers> PackTriggers(const ShardTriggers& shard,
                                    const LiteralRates& rates,
                                    TriggerMeans means);

class TriggerDatabase {
 public:
  // What PackTriggers gave, of this process or another, of a shard with so many
  // triggers. `grams` must outlive this.
  // REQUIRES: `others` are ours, unchanged; Hyperscan checks a sum, and
  // believes the rest. Errors: kInvalidInput; kNotSupported when they were
  // made by another version or for another processor.
  static Result<TriggerDatabase> Open(std::span<const uint64_t> grams,
                                      ByteView others, size_t triggers);
  TriggerDatabase(TriggerDatabase&&) = default;
  TriggerDatabase& operator=(TriggerDatabase&&) = default;
  ~TriggerDatabase();

  // Without literals when there are none.
  const GramFilter& grams() const { return grams_; }
  // Block mode; the id of a match is the trigger's index. Frequent triggers
  // report one occurrence per block, the others each. Null when there are none.
  const hs_database* others() const { return others_.get(); }

 private:
  struct Free {
    void operator()(hs_database* database) const;
  };
  using Database = std::unique_ptr<hs_database, Free>;

  TriggerDatabase() = default;

  GramFilter grams_;
  Database others_;
};

// What a compiled database depends on besides its triggers: Hyperscan's version
// and the processor that it is made for. Thread-safe.
std::string TriggerDatabasePlatform();

}  // namespace gatehouse
