// TriggerDatabase: all triggers of a shard, compiled for Hyperscan.
//
// Thread-safe after construction: immutable. Owns the databases.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "signatures/signature_compiler.h"

struct hs_database;  // Hyperscan's, opaque; named by two .cc files only.

namespace gatehouse {

class TriggerDatabase {
 public:
  // Block mode; the id of a match is the trigger's index. Long triggers report
  // each occurrence, short ones (which occur everywhere) one per block.
  // CPU-bound. Errors: kInvalidInput with Hyperscan's message; kNotSupported
  // when this processor is too old.
  static Result<TriggerDatabase> Compile(
      const std::vector<TriggerText>& triggers);
  TriggerDatabase(TriggerDatabase&&) = default;
  TriggerDatabase& operator=(TriggerDatabase&&) = default;
  ~TriggerDatabase();

  // Null when there are none.
  const hs_database* long_triggers() const { return long_.get(); }
  const hs_database* short_triggers() const { return short_.get(); }

 private:
  struct Free {
    void operator()(hs_database* database) const;
  };
  using Database = std::unique_ptr<hs_database, Free>;

  TriggerDatabase(Database long_triggers, Database short_triggers);
  static Result<Database> CompileSome(const std::vector<TriggerText>& triggers,
                                      bool is_long);

  Database long_;
  Database short_;
};

}  // namespace gatehouse
