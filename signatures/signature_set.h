// SignatureSet: everything that is malicious, compiled once, never changed.
//
// A set is compiled to an image (set_image.h) and then opened, in the same
// process or, from an artefact, in another: whatever scans has gone through
// both.
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
#include "signatures/magic_table.h"
#include "signatures/signature_price.h"
#include "signatures/signature_tables.h"
#include "signatures/signatures.h"
#include "signatures/trigger_database.h"
#include "signatures/word_buffer.h"

namespace gatehouse {

class SignatureSet {
 public:
  // Compiles the signatures; the built-in EICAR rule needs none and is always
  // there. `notes` come back from notes(). CPU-bound: milliseconds to seconds.
  // Errors: kInvalidInput with Hyperscan's message, kLimitExceeded.
  static Result<std::vector<uint64_t>> CompileImage(
      Signatures signatures, std::string_view notes = {},
      TriggerMeans means = TriggerMeans::kFastest);
  // REQUIRES: Hyperscan's part of the image is as CompileImage made it. The
  // rest is checked. Some milliseconds for a hundred thousand signatures.
  // Errors: kInvalidInput with what is wrong; kNotSupported when the image is
  // for another processor or another Hyperscan.
  static Result<std::shared_ptr<const SignatureSet>> Open(WordBuffer image);
  // Both.
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

  // Body signatures that cost much, in order of name.
  const std::vector<PricedSignature>& priced_signatures() const;
  const MagicTable& magics() const;  // Of file types.

  // What CompileImage was given.
  std::string_view notes() const;
  size_t body_count() const;
  // Of the three kinds that find something.
  size_t hash_count() const;
  // Grows with every set opened by this process, from 1: verdicts of
  // different sets can be told apart.
  uint64_t generation() const;

 private:
  struct State;
  explicit SignatureSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse
