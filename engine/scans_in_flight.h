// ScansInFlight: many who open one unchanged file wait for one scan.
//
// The first event of a file leads: it is scanned. Those that come before its
// verdict follow: they wait here, each with a ticket and a deadline of its own,
// so that a leader that is stuck delays nobody beyond that. A follower gets the
// leader's verdict only if nobody can have written the file since the leader's
// scan began; otherwise it is scanned by itself.
//
// Thread-safe. Of fixed size: who finds no room is scanned by itself. Allocates
// at construction only. What its constructor is given must outlive it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/mutex.h"
#include "engine/event_queue.h"
#include "engine/file_event.h"
#include "engine/verdict_cache.h"
#include "engine/verdict_sink.h"

namespace gatehouse {

// May live in shared memory. Each follower is counted once more, as shared or
// as alone.
struct InFlightStatistics {
  std::atomic<uint64_t> followers{0};
  std::atomic<uint64_t> shared{0};  // Got the verdict of their leader.
  std::atomic<uint64_t> alone{0};   // Were scanned by themselves after all.
  std::atomic<uint64_t> full{0};    // No room to lead or to follow.
};

class ScansInFlight {
 public:
  static constexpr size_t kLeadersMax = 256;
  static constexpr size_t kFollowersMax = 1024;

  // Followers that have to be scanned go to `queue`, which has room for every
  // event there is.
  ScansInFlight(EventQueue& queue, const VerdictCache& verdicts,
                InFlightStatistics& statistics);
  ScansInFlight(const ScansInFlight&) = delete;
  ScansInFlight& operator=(const ScansInFlight&) = delete;

  // True if `event` follows now, and was moved from. Otherwise the caller has
  // it scanned; it may lead, and then its `flight` says so. Never waits.
  // REQUIRES: a pending ticket.
  [[nodiscard]] bool TryFollow(FileEvent& event);

  // The leader of `flight`, who came a moment ago, is not scanned after all.
  void Withdraw(uint32_t flight);

  // The leader of `flight` has its `verdict`. Followers go to `sink` or are
  // queued; call it when the leader has been answered.
  void Finish(uint32_t flight, const Verdict& verdict, SinkRef sink);

 private:
  // A leader's file is in one of this many places.
  static constexpr size_t kWays = 4;
  static constexpr uint32_t kNobody = UINT32_MAX;

  struct Leader {
    bool is_used = false;
    bool is_exec = false;
    FileSnapshot snapshot;
    uint32_t first_follower = kNobody;
  };
  struct Follower {
    FileEvent event;
    uint32_t next = kNobody;
  };

  [[nodiscard]] bool Enter(FileEvent& event) GATEHOUSE_REQUIRES(mutex_);
  void Follow(Leader& leader, FileEvent& event) GATEHOUSE_REQUIRES(mutex_);
  void LetGo(FileEvent event, const Leader& leader, const Verdict& verdict,
             SinkRef sink);

  EventQueue& queue_;
  const VerdictCache& verdicts_;
  InFlightStatistics& statistics_;
  Mutex mutex_;  // Held for a few instructions.
  std::array<Leader, kLeadersMax> leaders_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<Follower> followers_;  // The free ones are in a list.
  uint32_t first_free_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
};

}  // namespace gatehouse
