// IdleTicker calls a function at a fixed period while there is something to
// watch, and sleeps without waking the machine while there is not.
//
// Thread-safe. Owns its thread; the function must stay valid until the ticker
// is destroyed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <thread>

#include "base/mutex.h"

namespace gatehouse {

class IdleTicker {
 public:
  // Staying awake for a while spares a busy machine the wake-up on each Arm().
  static constexpr int kLingerTicks = 16;

  // Calls `tick` about every `period` on its own thread, at once for the first
  // time: make the ticker the last member of its owner. `tick` returns false
  // when nothing is left to watch; after kLingerTicks such answers in a row the
  // ticker calls nothing until the next Arm(). `tick` must not block.
  // `thread_name` has at most 15 characters.
  IdleTicker(const char* thread_name, std::chrono::milliseconds period,
             std::function<bool()> tick);
  ~IdleTicker();
  IdleTicker(const IdleTicker&) = delete;
  IdleTicker& operator=(const IdleTicker&) = delete;

  // Call after publishing something to watch. Costs one atomic
  // operation while the ticker runs; wakes its thread only when it sleeps.
  void Arm();

  // False if the ticker has been awake since the last call and has not ticked:
  // its thread hangs, or calls came within less than a period of each other.
  // For one thread.
  bool IsResponding();

 private:
  void Run(const std::stop_token& stop);

  const std::chrono::milliseconds period_;
  const std::function<bool()> tick_;
  std::atomic<uint32_t> asleep_{0};  // 1: only Arm() wakes the thread.
  std::atomic<uint64_t> ticks_{0};   // Begun. Relaxed: compared with itself.
  uint64_t seen_ticks_ = 0;          // By IsResponding, as the next.
  bool was_awake_ = false;
  Mutex mutex_;
  CondVar changed_;
  bool armed_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace gatehouse
