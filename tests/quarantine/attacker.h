// Attacker: a process without rights that does its worst, on a processor of its
// own, until it is told to stop for a moment.
//
// Thread-compatible. Needs root to give the rights up. The process ends with
// this object, and with this process.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>

namespace gatehouse {

class Attacker {
 public:
  static constexpr uid_t kUser = 65534;  // Nobody: no groups, no capabilities.

  // `turn` runs again and again in the other process, which must neither
  // allocate much nor fail. What it counts it counts in `counts()`.
  static constexpr size_t kCounts = 4;
  using Counts = std::atomic<uint64_t>[kCounts];
  using Turn = std::function<void(Counts& counts)>;

  explicit Attacker(Turn turn);
  ~Attacker();
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

  // Returns when it is in its first turn.
  void Go();
  // Returns when it is in no turn.
  void Pause();
  uint64_t turns() const { return shared_->turns.load(); }
  // While it pauses: the count, which begins anew.
  uint64_t TakeCount(size_t index) {
    return shared_->counts[index].exchange(0);
  }

 private:
  struct Shared {
    std::atomic<bool> goes{false};
    std::atomic<bool> is_in_turn{false};
    std::atomic<uint64_t> turns{0};
    Counts counts = {};
  };
  [[noreturn]] void Run(const Turn& turn);
  void CheckAlive() const;

  Shared* const shared_;  // Mapped, and unmapped by the destructor.
  pid_t pid_ = -1;
};

// This process stays off the attacker's processor.
void LeaveAProcessorToTheAttacker();

// Waits up to some 10 us, at a pace that changes with the turns: an attacker
// who is always fast only keeps the file from being found.
void Dawdle(uint64_t turn);

}  // namespace gatehouse
