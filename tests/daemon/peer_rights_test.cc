#include "daemon/peer_rights.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

constexpr uid_t kUser = 61001;
constexpr gid_t kGroup = 61002;
constexpr gid_t kSecondGroup = 61003;

PeerCredentials Peer() { return {kUser, kGroup, 1, {kSecondGroup}}; }

// What the kernel judges file access of this thread by.
struct Rights {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  bool operator==(const Rights&) const = default;
};

Rights RightsOfThisThread() {
  Rights rights;
  // No user has this number: the calls change nothing and say what is.
  rights.uid = static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1)));
  rights.gid = static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1)));
  rights.groups.resize(static_cast<size_t>(::getgroups(0, nullptr)));
  EXPECT_GE(
      ::getgroups(static_cast<int>(rights.groups.size()), rights.groups.data()),
      0);
  return rights;
}

// 0, or why it cannot be opened for reading.
int OpenError(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd.valid() ? 0 : errno;
}

class PeerRightsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can take other rights";
  }
  std::string FileOf(const char* name, uid_t uid, gid_t gid, mode_t mode) {
    const std::string path = directory_.Write(name, "text");
    EXPECT_EQ(::chown(path.c_str(), uid, gid), 0);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  const TempDir directory_;
};

TEST_F(PeerRightsTest, FilesOpenAsForThePeer) {
  const std::string roots = FileOf("roots", 0, 0, 0600);
  const std::string own = FileOf("own", kUser, 0, 0400);
  const std::string of_group = FileOf("of_group", 0, kGroup, 0040);
  const std::string of_second = FileOf("of_second", 0, kSecondGroup, 0040);
  {
    const Result<PeerRights> rights = PeerRights::Assume(Peer());
    ASSERT_TRUE(rights) << rights.error().message;
    EXPECT_EQ(RightsOfThisThread(), (Rights{kUser, kGroup, {kSecondGroup}}));
    EXPECT_EQ(OpenError(roots), EACCES);
    EXPECT_EQ(OpenError(own), 0);
    EXPECT_EQ(OpenError(of_group), 0);
    EXPECT_EQ(OpenError(of_second), 0);
  }
  EXPECT_EQ(OpenError(roots), 0);
}

// An O_PATH descriptor of a file that its bearer may not read.
TEST_F(PeerRightsTest, DescriptorOpensAsForThePeer) {
  const std::string roots = FileOf("roots", 0, 0, 0600);
  const UniqueFd path(::open(roots.c_str(), O_PATH | O_CLOEXEC));
  const std::string again = "/proc/self/fd/" + std::to_string(path.UnsafeFd());
  const Result<PeerRights> rights = PeerRights::Assume(Peer());
  ASSERT_TRUE(rights);
  EXPECT_EQ(OpenError(again), EACCES);
}

TEST_F(PeerRightsTest, OwnRightsComeBackWithTheirGroups) {
  // A thread of its own: its groups are its own too.
  std::jthread([] {
    const std::array<gid_t, 2> groups = {61010, 61011};
    ASSERT_EQ(::syscall(SYS_setgroups, groups.size(), groups.data()), 0);
    const Rights before = RightsOfThisThread();
    ASSERT_EQ(before.groups.size(), 2U);
    {
      Result<PeerRights> rights = PeerRights::Assume(Peer());
      ASSERT_TRUE(rights);
      const PeerRights moved(std::move(*rights));
      EXPECT_NE(RightsOfThisThread(), before);
    }
    EXPECT_EQ(RightsOfThisThread(), before);
  }).join();
}

// Sessions of different users are served at once.
TEST_F(PeerRightsTest, OtherThreadsKeepTheirs) {
  std::latch is_taken(1);
  std::latch is_seen(1);
  const Rights before = RightsOfThisThread();
  const std::jthread other([&] {
    const Result<PeerRights> rights = PeerRights::Assume(Peer());
    EXPECT_TRUE(rights);
    EXPECT_EQ(RightsOfThisThread().uid, kUser);
    is_taken.count_down();
    is_seen.wait();
  });
  is_taken.wait();
  EXPECT_EQ(RightsOfThisThread(), before);
  is_seen.count_down();
}

TEST_F(PeerRightsTest, RootTakesNothing) {
  const Rights before = RightsOfThisThread();
  const Result<PeerRights> rights = PeerRights::Assume({0, 0, 1, {}});
  ASSERT_TRUE(rights);
  EXPECT_EQ(RightsOfThisThread(), before);
}

TEST_F(PeerRightsTest, TooManyGroupsAreRefusedAndNothingChanges) {
  const Rights before = RightsOfThisThread();
  PeerCredentials peer = Peer();
  peer.groups.resize(65537, kSecondGroup);  // The kernel's limit and one.
  EXPECT_FALSE(PeerRights::Assume(peer));
  EXPECT_EQ(RightsOfThisThread(), before);
}

}  // namespace
}  // namespace gatehouse
