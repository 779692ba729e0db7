// BoundedRing: Dmitry Vyukov's bounded multi-producer multi-consumer queue.
// Each cell carries a sequence number that says whose turn it is: equal to the
// position for a producer, position + 1 for a consumer. Source: 1024cores.net,
// "Bounded MPMC queue".
//
// Thread-safe. Owns the elements in it; allocates at construction only. A
// thread that is preempted between claiming a cell and publishing it delays
// the consumer of that cell, nobody else.
#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "base/cache_line.h"

namespace gatehouse {

template <class T>
class BoundedRing {
 public:
  // Holds at least `capacity` elements: rounded up to a power of two.
  explicit BoundedRing(size_t capacity)
      : mask_(std::bit_ceil(capacity) - 1),
        cells_(std::make_unique<Cell[]>(mask_ + 1)) {
    assert(capacity >= 2);
    for (size_t i = 0; i <= mask_; ++i) {
      // Relaxed: nobody else sees the ring yet.
      cells_[i].turn.store(i, std::memory_order_relaxed);
    }
  }
  BoundedRing(const BoundedRing&) = delete;
  BoundedRing& operator=(const BoundedRing&) = delete;

  // Moves from `element` and returns true, or returns false when full.
  [[nodiscard]] bool TryPush(T& element) {
    // Relaxed: the turn of the cell orders the data, not the position.
    size_t position = push_position_.load(std::memory_order_relaxed);
    while (true) {
      Cell& cell = cells_[position & mask_];
      // Acquire: pairs with the release in TryPop that emptied the cell.
      const size_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == position) {
        // Relaxed: as above.
        if (push_position_.compare_exchange_weak(position, position + 1,
                                                 std::memory_order_relaxed)) {
          cell.element = std::move(element);
          // Release: publishes the element to TryPop.
          cell.turn.store(position + 1, std::memory_order_release);
          return true;
        }
      } else if (turn < position) {
        return false;  // The consumer of one round ago has not been here.
      } else {
        position = push_position_.load(std::memory_order_relaxed);
      }
    }
  }

  std::optional<T> TryPop() {
    size_t position = pop_position_.load(std::memory_order_relaxed);
    while (true) {
      Cell& cell = cells_[position & mask_];
      // Acquire: pairs with the release in TryPush that filled the cell.
      const size_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == position + 1) {
        if (pop_position_.compare_exchange_weak(position, position + 1,
                                                std::memory_order_relaxed)) {
          std::optional<T> element(std::move(cell.element));
          cell.element = T();
          // Release: hands the empty cell to the producer of the next round.
          cell.turn.store(position + mask_ + 1, std::memory_order_release);
          return element;
        }
      } else if (turn < position + 1) {
        return std::nullopt;  // Empty.
      } else {
        position = pop_position_.load(std::memory_order_relaxed);
      }
    }
  }

  // A snapshot; exact when nobody pushes or pops.
  size_t size() const {
    const size_t popped = pop_position_.load(std::memory_order_relaxed);
    const size_t pushed = push_position_.load(std::memory_order_relaxed);
    return pushed > popped ? pushed - popped : 0;
  }
  size_t capacity() const { return mask_ + 1; }

 private:
  struct alignas(kCacheLineBytes) Cell {
    std::atomic<size_t> turn{0};
    T element{};
  };

  const size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(kCacheLineBytes) std::atomic<size_t> push_position_{0};
  alignas(kCacheLineBytes) std::atomic<size_t> pop_position_{0};
};

}  // namespace gatehouse
