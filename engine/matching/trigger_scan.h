// TriggerScan: looks for all triggers of a shard in a block of bytes.
//
// One thread at a time. Borrows the SignatureSet; owns Hyperscan's scratch.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/matching/gram_scan.h"
#include "engine/matching/trigger_hits.h"
#include "signatures/signature_set.h"

struct hs_scratch;

namespace gatehouse {

class TriggerScan {
 public:
  // Errors: kOperational when there is no memory.
  static Result<TriggerScan> Create(const SignatureSet& signatures);
  TriggerScan(TriggerScan&&) = default;
  TriggerScan& operator=(TriggerScan&&) = default;
  ~TriggerScan();

  // Bytes that a block repeats of the one before it, so that no trigger of the
  // shard is cut in two.
  size_t OverlapOf(size_t shard) const;

  // `block` stands at `offset`; its first `seen_bytes` were shown before. False
  // if Hyperscan refused: a bug, and the layer was not scanned.
  bool Scan(size_t shard, ByteView block, uint64_t offset, size_t seen_bytes,
            TriggerHits& hits);

 private:
  struct FreeScratch {
    void operator()(hs_scratch* scratch) const;
  };

  explicit TriggerScan(const SignatureSet& signatures)
      : signatures_(&signatures) {}

  const SignatureSet* signatures_;
  GramScan grams_;
  std::unique_ptr<hs_scratch, FreeScratch> scratch_;
};

}  // namespace gatehouse
