#include "daemon/peer_rights.h"

#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace gatehouse {
namespace {

// glibc's setgroups would change every thread.
bool SetThreadGroups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

// The calls return the value before, and say nothing of failure: ask again.
bool SetThreadIds(uid_t uid, gid_t gid) {
  (void)::setfsgid(gid);
  (void)::setfsuid(uid);
  return static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1))) == gid &&
         static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1))) == uid;
}

}  // namespace

Result<PeerRights> PeerRights::Assume(const PeerCredentials& peer) {
  if (::geteuid() != 0 || peer.uid == 0) return PeerRights();
  std::vector<gid_t> own_groups(static_cast<size_t>(::getgroups(0, nullptr)));
  (void)!::getgroups(static_cast<int>(own_groups.size()), own_groups.data());
  if (!SetThreadGroups(peer.groups)) {
    return FailSystem("take the groups of a client", errno);
  }
  PeerRights rights(std::move(own_groups));  // Gives back whatever was taken.
  if (!SetThreadIds(peer.uid, peer.gid)) {
    return Fail(ErrorCode::kOperational, "cannot take the user of a client");
  }
  return rights;
}

PeerRights::PeerRights(PeerRights&& other) noexcept
    : own_groups_(std::move(other.own_groups_)),
      is_active_(std::exchange(other.is_active_, false)) {}

PeerRights::~PeerRights() {
  if (!is_active_) return;
  if (!SetThreadIds(::geteuid(), ::getegid()) ||
      !SetThreadGroups(own_groups_)) {
    std::abort();
  }
}

}  // namespace gatehouse
