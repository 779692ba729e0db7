// Tells the service manager how we are (sd_notify(3): one datagram to the
// socket in $NOTIFY_SOCKET). Silent without one.
//
// One thread. Opens a socket for each message: nothing to keep, nothing to
// lose when descriptors are swept.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace gatehouse {

class ServiceNotifier {
 public:
  // `socket_path` as in $NOTIFY_SOCKET: a path, or '@' and an abstract name.
  explicit ServiceNotifier(std::string socket_path)
      : socket_path_(std::move(socket_path)) {}

  // Sends "READY=1\nSTATUS=…" and the like. Never blocks; a manager that does
  // not listen is none.
  void Notify(std::string_view state) const;

 private:
  const std::string socket_path_;
};

}  // namespace gatehouse
