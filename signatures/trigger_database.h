// TriggerDatabase: all triggers of a shard, compiled for Hyperscan.
//
// Thread-safe after construction: immutable. Owns the databases.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
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
  // What Serialise gave, of this process or another; empty: there is none.
  // REQUIRES: the bytes are ours, unchanged; Hyperscan checks a sum, and
  // believes the rest. Errors: kInvalidInput; kNotSupported when they were
  // made by another version or for another processor.
  static Result<TriggerDatabase> Open(ByteView long_triggers,
                                      ByteView short_triggers);
  TriggerDatabase(TriggerDatabase&&) = default;
  TriggerDatabase& operator=(TriggerDatabase&&) = default;
  ~TriggerDatabase();

  struct Serialised {
    std::vector<uint8_t> long_triggers;  // Empty when there are none.
    std::vector<uint8_t> short_triggers;
  };
  // Errors: kOperational with Hyperscan's number.
  Result<Serialised> Serialise() const;

  // Null when there are none.
  const hs_database* long_triggers() const { return long_.get(); }
  const hs_database* short_triggers() const { return short_.get(); }

 private:
  struct Free {
    void operator()(hs_database* database) const;
  };
  using Database = std::unique_ptr<hs_database, Free>;
  static Result<Database> OpenOne(ByteView bytes);

  TriggerDatabase(Database long_triggers, Database short_triggers);
  static Result<Database> CompileSome(const std::vector<TriggerText>& triggers,
                                      bool is_long);

  Database long_;
  Database short_;
};

// What a compiled database depends on besides its triggers: Hyperscan's version
// and the processor that it is made for. Thread-safe.
std::string TriggerDatabasePlatform();

}  // namespace gatehouse
