#include "ipc/half_open.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace gatehouse {

HalfOpenConnections::Room HalfOpenConnections::MakeRoom(uid_t uid,
                                                        MonotonicTime now) {
  if (CountOf(uid) >= limits_.half_open_per_user_max) {
    return EvictOldestOf(uid, now) ? Room::kEvicted : Room::kNone;
  }
  if (count() >= limits_.half_open_max) {
    return EvictOne(now) ? Room::kEvicted : Room::kNone;
  }
  return Room::kFree;
}

bool HalfOpenConnections::EvictOne(MonotonicTime now) {
  return count() != 0 && EvictOldestOf(BusiestUser(), now);
}

void HalfOpenConnections::Add(HalfOpenConnection connection) {
  const int fd = connection.socket.UnsafeFd();
  assert(fd >= 0);
  const bool is_new = by_socket_.emplace(fd, std::move(connection)).second;
  assert(is_new);
  (void)is_new;  // For builds without assert.
}

HalfOpenConnection* HalfOpenConnections::Find(int unsafe_socket) {
  const auto found = by_socket_.find(unsafe_socket);
  return found == by_socket_.end() ? nullptr : &found->second;
}

HalfOpenConnection HalfOpenConnections::Take(int unsafe_socket) {
  auto node = by_socket_.extract(unsafe_socket);
  assert(!node.empty());
  return std::move(node.mapped());
}

size_t HalfOpenConnections::Expire(MonotonicTime now) {
  return std::erase_if(by_socket_, [&](const auto& entry) {
    return now - entry.second.accepted_at >= limits_.half_open_lifetime_max;
  });
}

MonotonicTime HalfOpenConnections::NextExpiry() const {
  MonotonicTime next = kNever;
  for (const auto& [fd, connection] : by_socket_) {
    next =
        std::min(next, connection.accepted_at + limits_.half_open_lifetime_max);
  }
  return next;
}

size_t HalfOpenConnections::CountOf(uid_t uid) const {
  return static_cast<size_t>(std::count_if(
      by_socket_.begin(), by_socket_.end(),
      [uid](const auto& entry) { return entry.second.peer.uid == uid; }));
}

uid_t HalfOpenConnections::BusiestUser() const {
  std::map<uid_t, size_t> counts;
  for (const auto& [fd, connection] : by_socket_) ++counts[connection.peer.uid];
  return std::max_element(
             counts.begin(), counts.end(),
             [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

bool HalfOpenConnections::EvictOldestOf(uid_t uid, MonotonicTime now) {
  auto oldest = by_socket_.end();
  for (auto at = by_socket_.begin(); at != by_socket_.end(); ++at) {
    const HalfOpenConnection& connection = at->second;
    if (connection.peer.uid != uid ||
        now - connection.last_heard_at < limits_.half_open_evictable_after) {
      continue;
    }
    if (oldest == by_socket_.end() ||
        connection.accepted_at < oldest->second.accepted_at) {
      oldest = at;
    }
  }
  if (oldest == by_socket_.end()) return false;
  by_socket_.erase(oldest);
  return true;
}

}  // namespace gatehouse
