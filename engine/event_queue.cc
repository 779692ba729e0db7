#include "engine/event_queue.h"

namespace gatehouse {

// The eventcount. A consumer announces itself (sleepers), reads the epoch,
// looks once more, and sleeps only while the epoch is still the one it read. A
// producer pushes, then looks for sleepers. Both touch `sleepers` with a
// read-modify-write, and those have one order: the producer's comes after the
// consumer's and finds the sleeper, or before it and hands over the event.
// (Not a fence: ThreadSanitizer does not understand fences.)
//
// A program start rings both bells: the reserved worker may be busy with
// another one, and a worker that wakes in vain only goes back to sleep.

EventQueue::EventQueue(size_t lane_events_max)
    : exec_lane_(lane_events_max), open_lane_(lane_events_max) {}

void EventQueue::Bell::RingOne() {
  if (sleepers.fetch_add(0, std::memory_order_seq_cst) == 0) return;
  epoch.fetch_add(1, std::memory_order_seq_cst);
  epoch.notify_one();
}

void EventQueue::Bell::RingAll() {
  epoch.fetch_add(1, std::memory_order_seq_cst);
  epoch.notify_all();
}

bool EventQueue::TryPush(Lane lane, FileEvent& event) {
  if (closed_.load(std::memory_order_seq_cst)) return false;
  BoundedRing<FileEvent>& ring = lane == Lane::kExec ? exec_lane_ : open_lane_;
  if (!ring.TryPush(event)) return false;
  if (lane == Lane::kExec) exec_only_.RingOne();
  any_lane_.RingOne();
  return true;
}

std::optional<FileEvent> EventQueue::TryPop(bool exec_only) {
  std::optional<FileEvent> event = exec_lane_.TryPop();
  if (!event && !exec_only) event = open_lane_.TryPop();
  return event;
}

std::optional<FileEvent> EventQueue::Pop(bool exec_only) {
  Bell& bell = exec_only ? exec_only_ : any_lane_;
  while (true) {
    std::optional<FileEvent> event = TryPop(exec_only);
    if (event) return event;
    bell.sleepers.fetch_add(1, std::memory_order_seq_cst);
    const uint32_t epoch = bell.epoch.load(std::memory_order_seq_cst);
    const bool closed = closed_.load(std::memory_order_seq_cst);
    event = TryPop(exec_only);
    if (!event && !closed) bell.epoch.wait(epoch, std::memory_order_seq_cst);
    bell.sleepers.fetch_sub(1, std::memory_order_seq_cst);
    if (event || closed) return event;
    event = TryPop(exec_only);
    // With several producers one ring may stand for two events: a producer that
    // was held up between claiming its cell and filling it hides those behind
    // it. Whoever wakes passes the ring on while there is more.
    if (event && size() != 0) bell.RingOne();
    if (event) return event;
  }
}

void EventQueue::Close() {
  closed_.store(true, std::memory_order_seq_cst);
  any_lane_.RingAll();
  exec_only_.RingAll();
}

size_t EventQueue::size() const {
  return exec_lane_.size() + open_lane_.size();
}

}  // namespace gatehouse
