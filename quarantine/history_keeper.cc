#include "quarantine/history_keeper.h"

#include <utility>
#include <vector>

namespace gatehouse {
namespace {

constexpr int64_t kDayMs = int64_t{24} * 60 * 60 * 1000;

}  // namespace

bool HistoryKeeper::Step(MonotonicTime now, int64_t wall_ms) {
  const uint64_t crowded = parts_.store.items_purged();
  parts_.statistics.items_crowded.fetch_add(
      crowded - std::exchange(crowded_before_, crowded));
  if (due_.empty() && now >= next_) {
    next_ = now + kPeriod;
    Purge(wall_ms - parts_.retention_days * kDayMs);
  }
  DeleteObjects();
  return !due_.empty();
}

void HistoryKeeper::Purge(int64_t before_ms) {
  const Result<Purged> purged = parts_.store.Purge(before_ms);
  if (purged) {
    parts_.statistics.threats_aged.fetch_add(purged->threats);
    parts_.statistics.scans_aged.fetch_add(purged->scans);
    parts_.recorded_files.Clear();
  } else if (parts_.failed) {
    parts_.failed(purged.error());
  }
  const Result<std::vector<std::string>> ids =
      parts_.store.InVaultBefore(before_ms);
  if (ids) {
    due_.assign(ids->begin(), ids->end());
  } else if (parts_.failed) {
    parts_.failed(ids.error());
  }
}

// The record says that it is removed before the object is: a death in between
// leaves what recovery removes. What cannot be deleted now is tried again after
// a period.
void HistoryKeeper::DeleteObjects() {
  for (size_t i = 0; i < kObjectsAtOnce && !due_.empty(); ++i) {
    const std::string id = std::move(due_.front());
    due_.pop_front();
    // Staged or captured: an isolation of it is in progress.
    if (parts_.vault.IsStaged(id)) continue;
    const Result<bool> removed = parts_.restorer.Remove(
        id, "it was in quarantine for " +
                std::to_string(parts_.retention_days) + " days");
    if (removed) {
      parts_.statistics.objects_aged.fetch_add(1);
    } else if (removed.error().code != ErrorCode::kNotFound && parts_.failed) {
      parts_.failed(removed.error());
    }
  }
}

}  // namespace gatehouse
