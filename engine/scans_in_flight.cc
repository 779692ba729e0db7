#include "engine/scans_in_flight.h"

#include <cassert>
#include <thread>
#include <utility>

namespace gatehouse {
namespace {

// Only what cannot have changed unseen is the same file.
bool CanShare(const FileSnapshot& snapshot) {
  return snapshot.is_truthful && snapshot.is_quiet && !snapshot.is_pinnable &&
         snapshot.is_settled;
}

bool IsSame(const FileSnapshot& a, const FileSnapshot& b) {
  return a.state == b.state && a.touches == b.touches && a.epoch == b.epoch;
}

}  // namespace

ScansInFlight::ScansInFlight(EventQueue& queue, const VerdictCache& verdicts,
                             InFlightStatistics& statistics)
    : queue_(queue),
      verdicts_(verdicts),
      statistics_(statistics),
      followers_(kFollowersMax) {
  for (uint32_t i = 0; i + 1 < kFollowersMax; ++i) followers_[i].next = i + 1;
}

bool ScansInFlight::TryFollow(FileEvent& event) {
  assert(event.ticket.pending());
  assert(event.flight == kNoFlight);
  if (!CanShare(event.snapshot)) return false;
  // Somebody is held, and whoever has the lock may not be running.
  if (!mutex_.TryLock()) {
    statistics_.full.fetch_add(1);
    return false;
  }
  const bool follows = Enter(event);
  mutex_.Unlock();
  return follows;
}

bool ScansInFlight::Enter(FileEvent& event) {
  const bool is_exec = event.kind == FileEventKind::kExec;
  const size_t first = event.snapshot.state.inode % kLeadersMax;
  Leader* room = nullptr;
  for (size_t i = 0; i < kWays; ++i) {
    Leader& leader = leaders_.at((first + i) % kLeadersMax);
    if (!leader.is_used) {
      if (room == nullptr) room = &leader;
      continue;
    }
    // A program start overtakes opens: it does not wait behind one.
    if (is_exec && !leader.is_exec) continue;
    if (!IsSame(leader.snapshot, event.snapshot)) continue;
    if (first_free_ == kNobody) break;
    Follow(leader, event);
    statistics_.followers.fetch_add(1);
    return true;
  }
  if (room == nullptr) {
    statistics_.full.fetch_add(1);
    return false;
  }
  *room = {true, is_exec, event.snapshot, kNobody};
  event.flight = static_cast<uint32_t>(room - leaders_.data());
  return false;
}

void ScansInFlight::Follow(Leader& leader, FileEvent& event) {
  const uint32_t index = first_free_;
  Follower& follower = followers_[index];
  first_free_ = follower.next;
  follower.event = std::move(event);
  follower.next = leader.first_follower;
  leader.first_follower = index;
}

void ScansInFlight::Withdraw(uint32_t flight) {
  const MutexLock lock(mutex_);
  assert(leaders_.at(flight).first_follower == kNobody);
  leaders_.at(flight) = {};
}

void ScansInFlight::Finish(uint32_t flight, const Verdict& verdict,
                           SinkRef sink) {
  Leader leader;
  {
    const MutexLock lock(mutex_);
    leader = std::exchange(leaders_.at(flight), {});
  }
  assert(leader.is_used);
  if (leader.first_follower == kNobody) return;
  uint32_t last = kNobody;
  for (uint32_t index = leader.first_follower; index != kNobody;
       index = followers_[index].next) {
    // Nobody else can see this follower any more.
    LetGo(std::move(followers_[index].event), leader, verdict, sink);
    followers_[index].event = {};
    last = index;
  }
  const MutexLock lock(mutex_);
  followers_[last].next = std::exchange(first_free_, leader.first_follower);
}

void ScansInFlight::LetGo(FileEvent event, const Leader& leader,
                          const Verdict& verdict, SinkRef sink) {
  const bool is_judged = verdict.kind == VerdictKind::kClean ||
                         verdict.kind == VerdictKind::kInfected;
  if (is_judged &&
      verdicts_.IsUnchanged(event.file.UnsafeFd(), leader.snapshot)) {
    statistics_.shared.fetch_add(1);
    event.snapshot = {};  // The leader's is remembered.
    sink.OnVerdict(std::move(event), verdict);
    return;
  }
  statistics_.alone.fetch_add(1);
  const Lane lane =
      event.kind == FileEventKind::kExec ? Lane::kExec : Lane::kOpen;
  // There is room: a full queue has consumers that are a moment behind.
  while (!queue_.TryPush(lane, event)) {
    if (queue_.closed()) {
      sink.OnVerdict(std::move(event),
                     Verdict::NotScanned(NotScannedReason::kCancelled));
      return;
    }
    std::this_thread::yield();
  }
}

}  // namespace gatehouse
