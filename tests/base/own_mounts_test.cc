#include "base/own_mounts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>

#include "base/unique_fd.h"

namespace gatehouse {
namespace {

UniqueFd Proc() {
  return UniqueFd(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

TEST(OwnMountsTest, KnowsTheTypeOfAMount) {
  OwnMounts mounts;
  EXPECT_EQ(mounts.TypeOf(OwnMounts::MountOf(Proc().UnsafeFd())), "proc");
}

TEST(OwnMountsTest, KnowsWhatAnotherProcessSees) {
  const uint64_t mount = OwnMounts::MountOf(Proc().UnsafeFd());
  EXPECT_EQ(OwnMounts::TypeAsSeenBy(::getpid(), mount), "proc");
}

TEST(OwnMountsTest, HasNoTypeForWhatIsNotMounted) {
  OwnMounts mounts;
  EXPECT_EQ(mounts.TypeOf(0), "");
  EXPECT_EQ(mounts.TypeOf(UINT64_MAX), "");
  EXPECT_EQ(OwnMounts::TypeAsSeenBy(::getpid(), UINT64_MAX), "");
}

TEST(OwnMountsTest, HasNoTypeAsSeenByNobody) {
  const uint64_t mount = OwnMounts::MountOf(Proc().UnsafeFd());
  EXPECT_EQ(OwnMounts::TypeAsSeenBy(0, mount), "");
}

TEST(OwnMountsTest, ContainsWhatIsMounted) {
  OwnMounts mounts;
  EXPECT_TRUE(mounts.Contains(OwnMounts::MountOf(Proc().UnsafeFd())));
  EXPECT_FALSE(mounts.Contains(0));
}

}  // namespace
}  // namespace gatehouse
