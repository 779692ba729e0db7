// HalfOpenConnections: connections whose first frame is still arriving, and
// which of them goes when there are too many.
//
// One thread at a time. Owns the sockets. Time is passed in.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"
#include "ipc/frame_reader.h"
#include "ipc/peer.h"
#include "ipc/server_limits.h"

namespace gatehouse {

struct HalfOpenConnection {
  UniqueFd socket;
  PeerCredentials peer;
  FrameReader reader{kRequestDescriptorsMax};
  MonotonicTime accepted_at;
  MonotonicTime last_heard_at;
};

class HalfOpenConnections {
 public:
  explicit HalfOpenConnections(const ServerLimits& limits) : limits_(limits) {}

  enum class Room : uint8_t {
    kFree,     // There was room.
    kEvicted,  // There is, because an old one was closed.
    kNone,     // All are young; the new one has to go.
  };
  // Makes room for one of `uid`. At the limit of a user, the oldest silent
  // connection of that user goes; at the limit of all, that of the user with
  // most of them.
  [[nodiscard]] Room MakeRoom(uid_t uid, MonotonicTime now);
  // Closes the oldest silent connection of the user with most of them.
  bool EvictOne(MonotonicTime now);

  void Add(HalfOpenConnection connection);
  // Null when the socket is none of them. Valid until it is removed.
  HalfOpenConnection* Find(int unsafe_socket);
  [[nodiscard]] HalfOpenConnection Take(int unsafe_socket);

  // Closes those that are too old, and returns how many.
  size_t Expire(MonotonicTime now);
  // When the next one will be too old; kNever without any.
  MonotonicTime NextExpiry() const;

  size_t count() const { return by_socket_.size(); }

 private:
  using BySocket = std::map<int, HalfOpenConnection>;

  size_t CountOf(uid_t uid) const;
  uid_t BusiestUser() const;
  bool EvictOldestOf(uid_t uid, MonotonicTime now);

  const ServerLimits limits_;
  BySocket by_socket_;
};

}  // namespace gatehouse
