#include "daemon/service_notifier.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string>

#include "base/unique_fd.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

// A service manager: a datagram socket at a path, or at '@' and a name.
class Listener {
 public:
  explicit Listener(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    // The socket API takes every address family through one pointer type.
    EXPECT_EQ(::bind(fd_.UnsafeFd(),
                     reinterpret_cast<const sockaddr*>(&address), length),
              0);
  }

  // The next datagram; empty if there is none.
  std::string Receive() {
    std::array<char, 4096> text = {};
    const ssize_t count = ::recv(fd_.UnsafeFd(), text.data(), text.size(), 0);
    return {text.data(), count > 0 ? static_cast<size_t>(count) : 0};
  }

 private:
  UniqueFd fd_;
};

TEST(ServiceNotifierTest, SendsOneDatagramToAPath) {
  const TempDir directory;
  Listener manager(directory.Path("notify"));
  const ServiceNotifier notifier(directory.Path("notify"));
  notifier.Notify("READY=1\nSTATUS=Protecting 1 file system");
  notifier.Notify("STOPPING=1");
  EXPECT_EQ(manager.Receive(), "READY=1\nSTATUS=Protecting 1 file system");
  EXPECT_EQ(manager.Receive(), "STOPPING=1");
  EXPECT_EQ(manager.Receive(), "");
}

TEST(ServiceNotifierTest, SendsToAnAbstractName) {
  const std::string name =
      "@gatehouse-test-" + std::to_string(::getpid()) + "/notify";
  Listener manager(name);
  ServiceNotifier(name).Notify("WATCHDOG=1");
  EXPECT_EQ(manager.Receive(), "WATCHDOG=1");
}

TEST(ServiceNotifierTest, TakesTheLongestPathThereIs) {
  // 107 characters and the NUL.
  const std::string name =
      "@gatehouse-" + std::to_string(::getpid()) + std::string(107, 'x');
  Listener manager(name.substr(0, 107));
  ServiceNotifier(name.substr(0, 107)).Notify("READY=1");
  EXPECT_EQ(manager.Receive(), "READY=1");
}

TEST(ServiceNotifierTest, IsSilentWithoutAManager) {
  const TempDir directory;
  ServiceNotifier("").Notify("READY=1");
  ServiceNotifier(directory.Path("nobody")).Notify("READY=1");
  ServiceNotifier("@gatehouse-test-nobody").Notify("READY=1");
  ServiceNotifier(std::string(108, 'x')).Notify("READY=1");
}

TEST(ServiceNotifierTest, NeverWaitsForAManagerThatDoesNotRead) {
  const TempDir directory;
  Listener manager(directory.Path("notify"));
  const ServiceNotifier notifier(directory.Path("notify"));
  for (int i = 0; i < 10'000; ++i) notifier.Notify("WATCHDOG=1");
  EXPECT_EQ(manager.Receive(), "WATCHDOG=1");
}

}  // namespace
}  // namespace gatehouse
