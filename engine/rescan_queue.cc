#include "engine/rescan_queue.h"

#include <cassert>
#include <utility>

namespace gatehouse {

bool IsJudged(const Verdict& verdict) {
  return verdict.kind == VerdictKind::kClean ||
         verdict.kind == VerdictKind::kInfected;
}

void RescanQueue::AddWithin(size_t rescans_max, FileEvent event) {
  assert(!event.ticket.pending());
  event.kind = FileEventKind::kRescan;
  event.deadline = kNever;
  if (pending_.fetch_add(1) >= rescans_max ||
      !queue_.TryPush(Lane::kOpen, event)) {
    pending_.fetch_sub(1);
    statistics_.lost.fetch_add(1);
    return;
  }
  statistics_.queued.fetch_add(1);
}

void RescanQueue::Finish(const Verdict& verdict) {
  pending_.fetch_sub(1);
  (IsJudged(verdict) ? statistics_.finished : statistics_.inconclusive)
      .fetch_add(1);
}

void RescanQueue::CountLateVerdict() {
  statistics_.queued.fetch_add(1);
  statistics_.finished.fetch_add(1);
}

}  // namespace gatehouse
