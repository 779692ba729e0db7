// TriggerScan: looks for all triggers of a shard in a block of bytes.
//
// One thread at a time. Borrows the SignatureSet; owns Hyperscan's scratch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/matching/gram_scan.h"
#include "engine/matching/shared_text.h"
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

  // The two views of an HTML file, and what they have in common.
  struct HtmlViews {
    ByteView no_comments;
    ByteView no_tags;
    std::span<const HtmlTextRun> runs;
  };
  // The same as Scan says of each of them. False as above.
  bool ScanHtml(size_t shard, const HtmlViews& views, TriggerHits& no_comments,
                TriggerHits& no_tags);

 private:
  struct Sight;  // What is looked at, and where hits go.
  struct FreeScratch {
    void operator()(hs_scratch* scratch) const;
  };

  explicit TriggerScan(const SignatureSet& signatures)
      : signatures_(&signatures) {}

  std::span<const TriggerRecord> TriggersOf(size_t shard) const;
  bool ScanOthers(size_t shard, ByteView block, Sight& sight);

  const SignatureSet* signatures_;
  GramScan grams_;
  SharedText shared_;
  std::unique_ptr<hs_scratch, FreeScratch> scratch_;
};

}  // namespace gatehouse
