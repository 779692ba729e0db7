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

// Called by Hyperscan, which is C: must not throw.
int OnTrigger(unsigned id, unsigned long long /*from*/, unsigned long long to,
              unsigned /*flags*/, void* context) noexcept {
  const Sight& sight = *static_cast<const Sight*>(context);
  if (sight.triggers[id].is_frequent != 0) {
    sight.hits.AddSomewhere(id);
  } else if (to > sight.seen_bytes) {
    sight.hits.Add(id, sight.offset + to);
  }
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
    const TriggerDatabase& triggers = signatures.triggers(i);
    for (const hs_database_t* const database :
         {triggers.long_triggers(), triggers.short_triggers()}) {
      if (database == nullptr) continue;
      const hs_error_t status = hs_alloc_scratch(database, &scratch);
      if (status != HS_SUCCESS) {
        (void)hs_free_scratch(scratch);
        return Fail(ErrorCode::kOperational,
                    "allocate Hyperscan scratch space");
      }
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
  const char* const bytes = AsText(block).data();
  const auto size = static_cast<unsigned>(block.size());
  hs_error_t status = HS_SUCCESS;
  if (triggers.long_triggers() != nullptr) {
    status = hs_scan(triggers.long_triggers(), bytes, size, 0, scratch_.get(),
                     OnTrigger, &sight);
  }
  if (status == HS_SUCCESS && triggers.short_triggers() != nullptr) {
    status = hs_scan(triggers.short_triggers(), bytes, size, 0, scratch_.get(),
                     OnTrigger, &sight);
  }
  assert(status == HS_SUCCESS);
  return status == HS_SUCCESS;
}

}  // namespace gatehouse
