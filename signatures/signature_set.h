// SignatureSet: everything that is malicious, compiled once, never changed.
//
// Thread-safe after construction: immutable, shared by all scanners through
// shared_ptr<const SignatureSet>.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "signatures/hash_store.h"
#include "signatures/signature_price.h"
#include "signatures/signature_tables.h"
#include "signatures/signatures.h"
#include "signatures/trigger_database.h"

namespace gatehouse {

class SignatureSet {
 public:
  // Compiles the signatures; the built-in EICAR rule needs none and is always
  // there. CPU-bound: milliseconds to seconds. Errors: kInvalidInput with
  // Hyperscan's message, kLimitExceeded.
  static Result<std::shared_ptr<const SignatureSet>> Compile(
      Signatures signatures, TriggerMeans means = TriggerMeans::kFastest);
  ~SignatureSet();
  SignatureSet(const SignatureSet&) = delete;
  SignatureSet& operator=(const SignatureSet&) = delete;

  // Body signatures are numbered in order of name, so the smallest id has the
  // smallest name.
  const SignatureTables& tables() const;
  // The triggers of one of tables().shards.
  const TriggerDatabase& triggers(size_t shard) const;
  std::string_view body_name(uint32_t id) const;

  const HashStore& hashes() const;          // Of whole files.
  const HashStore& section_hashes() const;  // Of sections of PE files.
  const HashStore& import_hashes() const;   // Of the imports of PE files.
  const HashStore& allowed_hashes() const;  // Files that are not malicious.

  // Body signatures that cost much, in order of name; known where they were
  // compiled.
  const std::vector<PricedSignature>& priced_signatures() const;

  size_t body_count() const;
  // Of the three kinds that find something.
  size_t hash_count() const;
  // Grows with every set compiled by this process, from 1: verdicts of
  // different sets can be told apart.
  uint64_t generation() const;

 private:
  struct State;
  explicit SignatureSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
