// PeerRights: this thread opens files with the rights of a client, and with no
// more, for as long as the object lives.
//
// One thread: credentials of a thread are changed by system calls, not by
// glibc's functions, which would change all threads. Does nothing when the
// daemon is not root: then it has no more rights than its only clients.
#pragma once

#include <sys/types.h>

#include <utility>
#include <vector>

#include "base/result.h"
#include "ipc/peer.h"

namespace gatehouse {

class PeerRights {
 public:
  // Errors: kOperational when the kernel refuses; nothing has changed then.
  static Result<PeerRights> Assume(const PeerCredentials& peer);
  PeerRights(PeerRights&& other) noexcept;
  PeerRights& operator=(PeerRights&&) = delete;
  PeerRights(const PeerRights&) = delete;
  PeerRights& operator=(const PeerRights&) = delete;
  // Ends the process if the daemon's own rights cannot be had back: going on
  // with a client's would be worse.
  ~PeerRights();

 private:
  explicit PeerRights(std::vector<gid_t> own_groups)
      : own_groups_(std::move(own_groups)), is_active_(true) {}
  PeerRights() = default;

  std::vector<gid_t> own_groups_;
  bool is_active_ = false;
};

}  // namespace gatehouse
