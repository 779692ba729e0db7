// EventQueue: the bounded, lock-free hand-off between the event source and the
// workers, with two lanes: program starts overtake opens.
//
// Thread-safe for any number of producers and consumers. Owns the events in
// it. Allocates at construction only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bounded_ring.h"
#include "base/cache_line.h"
#include "engine/file_event.h"

namespace gatehouse {

enum class Lane : uint8_t {
  kExec,  // Taken first, and by the worker reserved for it.
  kOpen,
};

class EventQueue {
 public:
  // Each lane holds up to `lane_events_max` events, rounded up to a power of
  // two; at least 2.
  explicit EventQueue(size_t lane_events_max);
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // Takes the event, unless the lane is full or the queue is closed: then
  // returns false and leaves `event` untouched. Never blocks. Costs one futex
  // wake when a consumer sleeps.
  [[nodiscard]] bool TryPush(Lane lane, FileEvent& event);

  // Waits for an event: the exec lane before the open lane, or the exec lane
  // alone. Empty once the queue is closed and what this consumer may take is
  // drained.
  std::optional<FileEvent> Pop(bool exec_only);

  // No push succeeds from now on; consumers drain what is left. Must not run
  // at the same time as a push whose event would be missed.
  void Close();

  bool closed() const { return closed_.load(std::memory_order_seq_cst); }
  // Events waiting now, both lanes; a snapshot.
  size_t size() const;

 private:
  // An eventcount: consumers sleep on the epoch, producers move it only when
  // somebody sleeps.
  struct alignas(kCacheLineBytes) Bell {
    std::atomic<uint32_t> epoch{0};
    std::atomic<uint32_t> sleepers{0};
    void RingOne();
    void RingAll();
  };

  std::optional<FileEvent> TryPop(bool exec_only);

  BoundedRing<FileEvent> exec_lane_;
  BoundedRing<FileEvent> open_lane_;
  std::atomic<bool> closed_{false};
  Bell any_lane_;   // Of the consumers of both lanes.
  Bell exec_only_;  // Of the consumers of the exec lane alone.
};

}  // namespace gatehouse
