// TriggerDatabase: all triggers of a shard, ready to be looked for.
//
// Those of a middle length are a GramFilter, the others, and all of a shard
// that has only a few, are compiled for Hyperscan.
//
// Thread-safe after construction: immutable. Owns both.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

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

class TriggerDatabase {
 public:
  // CPU-bound. Errors: kInvalidInput with Hyperscan's message; kNotSupported
  // when this processor is too old; kLimitExceeded.
  static Result<TriggerDatabase> Compile(
      const std::vector<TriggerText>& triggers,
      TriggerMeans means = TriggerMeans::kFastest);
  TriggerDatabase(TriggerDatabase&&) = default;
  TriggerDatabase& operator=(TriggerDatabase&&) = default;
  ~TriggerDatabase();

  // Without literals when there are none. Refers to this.
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
  static Result<Database> CompileOthers(
      const std::vector<TriggerText>& triggers,
      const std::vector<unsigned>& ids);

  std::vector<uint64_t> gram_buffer_;
  GramFilter grams_;
  Database others_;
};

}  // namespace gatehouse
