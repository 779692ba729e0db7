// StartedPrograms: which processes have started a program that may be in memory
// alone, handed from the handler of events to the thread that looks.
//
// Bounded: what there is no room for is not lost, but found by a look at all
// processes, which is also due when it is not known what was started.
//
// Thread-safe for any number of both. Add and Missed never block, and allocate
// nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>

#include "base/bounded_ring.h"

namespace gatehouse {

class StartedPrograms {
 public:
  static constexpr size_t kStartsMax = 1024;
  // What Take returns when every process is to be looked at.
  static constexpr int32_t kAllProcesses = 0;

  StartedPrograms() : starts_(kStartsMax) {}

  // The process `pid` may run a program in memory. False: no room.
  bool Add(int32_t pid);
  // There may be programs that nobody has told us of.
  void Missed();

  // Nothing is to be done to any program while this is false, as it is at
  // first. To want them is to want those that run already.
  void SetWanted(bool is_wanted);
  [[nodiscard]] bool is_wanted() const { return is_wanted_.load(); }

  // Waits for the next process to look at; empty when stop was requested.
  std::optional<int32_t> Take(const std::stop_token& stop);

 private:
  void Ring();

  BoundedRing<int32_t> starts_;
  std::atomic<bool> is_look_due_{false};
  std::atomic<bool> is_wanted_{false};
  std::atomic<uint32_t> bell_{0};  // Moves when there is something to take.
};

}  // namespace gatehouse
