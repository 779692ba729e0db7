#include "engine/matching/trigger_scan.h"

#include <hs/hs_runtime.h>

#include <cassert>
#include <span>
#include <utility>

namespace gatehouse {

struct TriggerScan::Sight {
  TriggerHits& hits;
  std::span<const TriggerRecord> triggers;  // Of the shard.
  uint64_t offset = 0;
  size_t seen_bytes = 0;

  void Add(uint32_t trigger, uint64_t end) {
    if (triggers[trigger].is_frequent != 0) {
      hits.AddSomewhere(trigger);
    } else if (end > seen_bytes) {
      hits.Add(trigger, offset + end);
    }
  }
  // Called by Hyperscan, which is C: must not throw.
  static int OnTrigger(unsigned id, unsigned long long /*from*/,
                       unsigned long long to, unsigned /*flags*/,
                       void* context) noexcept {
    static_cast<Sight*>(context)->Add(id, to);
    return 0;
  }
};

void TriggerScan::FreeScratch::operator()(hs_scratch* scratch) const {
  (void)hs_free_scratch(scratch);  // Fails only for a scratch in use.
}

TriggerScan::~TriggerScan() = default;

Result<TriggerScan> TriggerScan::Create(const SignatureSet& signatures) {
  TriggerScan scan(signatures);
  hs_scratch_t* scratch = nullptr;
  for (size_t i = 0; i < signatures.tables().shards.size(); ++i) {
    const hs_database_t* const others = signatures.triggers(i).others();
    if (others == nullptr) continue;
    if (hs_alloc_scratch(others, &scratch) != HS_SUCCESS) {
      (void)hs_free_scratch(scratch);
      return Fail(ErrorCode::kOperational, "allocate Hyperscan scratch space");
    }
  }
  scan.scratch_.reset(scratch);
  return scan;
}

size_t TriggerScan::OverlapOf(size_t shard) const {
  const uint32_t longest =
      signatures_->tables().shards[shard].literal_bytes_max;
  return longest == 0 ? 0 : longest - 1;
}

std::span<const TriggerRecord> TriggerScan::TriggersOf(size_t shard) const {
  const SignatureTables& tables = signatures_->tables();
  const ShardRecord& record = tables.shards[shard];
  return tables.triggers.subspan(record.trigger_begin, record.trigger_count);
}

bool TriggerScan::Scan(size_t shard, ByteView block, uint64_t offset,
                       size_t seen_bytes, TriggerHits& hits) {
  assert(seen_bytes <= block.size());
  Sight sight{hits, TriggersOf(shard), offset, seen_bytes};
  grams_.Scan(signatures_->triggers(shard).grams(), block,
              [&sight](uint32_t trigger, size_t /*begin*/, size_t end) {
                sight.Add(trigger, end);
              });
  return ScanOthers(shard, block, sight);
}

bool TriggerScan::ScanHtml(size_t shard, const HtmlViews& views,
                           TriggerHits& no_comments, TriggerHits& no_tags) {
  static_assert(kGramLiteralBytesMax <= SharedText::kLiteralBytesMax);
  const GramFilter& grams = signatures_->triggers(shard).grams();
  Sight all{no_comments, TriggersOf(shard)};
  Sight text{no_tags, TriggersOf(shard)};
  shared_.Begin(views.runs, views.no_tags);
  const auto see = [&](uint32_t trigger, size_t begin, size_t end) {
    all.Add(trigger, end);
    const auto shared = shared_.EndOfShared({begin, end});
    if (shared) text.Add(trigger, *shared);
  };
  const auto see_own = [&](uint32_t trigger, size_t begin, size_t end) {
    const auto own = shared_.EndOfOwn({begin, end});
    if (own) text.Add(trigger, *own);
  };
  grams_.Scan(grams, views.no_comments, see);
  grams_.Scan(grams, shared_.own_bytes(), see_own);
  return ScanOthers(shard, views.no_comments, all) &&
         ScanOthers(shard, views.no_tags, text);
}

bool TriggerScan::ScanOthers(size_t shard, ByteView block, Sight& sight) {
  const hs_database_t* const others = signatures_->triggers(shard).others();
  if (others == nullptr) return true;
  const hs_error_t status =
      hs_scan(others, AsText(block).data(), static_cast<unsigned>(block.size()),
              0, scratch_.get(), Sight::OnTrigger, &sight);
  assert(status == HS_SUCCESS);
  return status == HS_SUCCESS;
}

}  // namespace gatehouse
