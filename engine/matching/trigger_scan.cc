#include "engine/matching/trigger_scan.h"

#include <hs/hs_runtime.h>

#include <cassert>
#include <span>
#include <utility>

namespace gatehouse {
namespace {

struct Sight {
  TriggerHits& hits;
  std::span<const TriggerRecord> triggers;  // Of the shard.
  uint64_t offset = 0;
  size_t seen_bytes = 0;
};

void Add(uint32_t trigger, uint64_t end, const Sight& sight) {
  if (sight.triggers[trigger].is_frequent != 0) {
    sight.hits.AddSomewhere(trigger);
  } else if (end > sight.seen_bytes) {
    sight.hits.Add(trigger, sight.offset + end);
  }
}

// Called by Hyperscan, which is C: must not throw.
int OnTrigger(unsigned id, unsigned long long /*from*/, unsigned long long to,
              unsigned /*flags*/, void* context) noexcept {
  Add(id, to, *static_cast<const Sight*>(context));
  return 0;
}

}  // namespace

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

bool TriggerScan::Scan(size_t shard, ByteView block, uint64_t offset,
                       size_t seen_bytes, TriggerHits& hits) {
  assert(seen_bytes <= block.size());
  const TriggerDatabase& triggers = signatures_->triggers(shard);
  const ShardRecord& record = signatures_->tables().shards[shard];
  Sight sight{hits,
              signatures_->tables().triggers.subspan(record.trigger_begin,
                                                     record.trigger_count),
              offset, seen_bytes};
  grams_.Scan(triggers.grams(), block, [&sight](uint32_t trigger, size_t end) {
    Add(trigger, end, sight);
  });
  if (triggers.others() == nullptr) return true;
  const hs_error_t status = hs_scan(triggers.others(), AsText(block).data(),
                                    static_cast<unsigned>(block.size()), 0,
                                    scratch_.get(), OnTrigger, &sight);
  assert(status == HS_SUCCESS);
  return status == HS_SUCCESS;
}

}  // namespace gatehouse
