// RescanQueue: what was answered without a verdict, to be looked at again when
// nobody waits.
//
// Bounded: a rescan keeps its file open and holds a slot of the journal. More
// of them than kRescansMax at a time would let whoever opens enough endless
// files stop the reader, and with it every open. What does not fit is counted.
//
// Thread-safe. The queue and the statistics must outlive it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/event_queue.h"
#include "engine/file_event.h"
#include "engine/verdict.h"

namespace gatehouse {

// May live in shared memory.
struct RescanStatistics {
  std::atomic<uint64_t> queued{0};
  std::atomic<uint64_t> finished{0};      // With a verdict.
  std::atomic<uint64_t> inconclusive{0};  // Again without one.
  std::atomic<uint64_t> lost{0};          // No room to queue them.
};

class RescanQueue {
 public:
  static constexpr size_t kRescansMax = 256;
  // Of a dead process: its rescans, and the threats it had denied and not yet
  // isolated. They fill less than half of the journal.
  static constexpr size_t kAdoptedMax = 1536;

  // Rescans go to the open lane of `queue`. `events_max` is how many events the
  // journal holds: where it is small, so is what may be kept of it.
  RescanQueue(EventQueue& queue, RescanStatistics& statistics,
              size_t events_max = kAdoptedMax * 4)
      : queue_(queue),
        statistics_(statistics),
        rescans_max_(std::min(kRescansMax, events_max / 8)),
        adopted_max_(std::min(kAdoptedMax, events_max * 3 / 8)) {}

  // Queues the event as kRescan, without ticket and deadline, or counts it as
  // lost.
  void Add(FileEvent event) { AddWithin(rescans_max_, std::move(event)); }
  void AddAdopted(FileEvent event) {
    AddWithin(adopted_max_, std::move(event));
  }
  // A kRescan event has been judged, or has not been for good.
  void Finish(const Verdict& verdict);
  // A verdict came after the policy had answered: it is the rescan that was
  // owed.
  void CountLateVerdict();

 private:
  void AddWithin(size_t rescans_max, FileEvent event);

  EventQueue& queue_;
  RescanStatistics& statistics_;
  const size_t rescans_max_;
  const size_t adopted_max_;
  std::atomic<size_t> pending_{0};
};

// Clean or infected: somebody has looked at all of it.
[[nodiscard]] bool IsJudged(const Verdict& verdict);

}  // namespace gatehouse
