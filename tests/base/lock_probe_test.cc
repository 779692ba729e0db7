#include "base/lock_probe.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

class LockProbeTest : public testing::Test {
 protected:
  // A lock of an open file: it conflicts also within one process.
  static void Lock(const UniqueFd& file, short type) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    ASSERT_EQ(::fcntl(file.UnsafeFd(), F_OFD_SETLK, &lock), 0);
  }

  TempDir dir_;
  const std::string path_ = dir_.path() + "/lock";
  const UniqueFd file_{
      ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
};

TEST_F(LockProbeTest, SeesAWriteLockComeAndGo) {
  const LockProbe probe({path_.c_str()});
  EXPECT_FALSE(probe.IsAnyLocked());
  Lock(file_, F_WRLCK);
  EXPECT_TRUE(probe.IsAnyLocked());
  Lock(file_, F_UNLCK);
  EXPECT_FALSE(probe.IsAnyLocked());
}

TEST_F(LockProbeTest, WhoeverMayReadCannotFeignATransaction) {
  const LockProbe probe({path_.c_str()});
  Lock(file_, F_RDLCK);
  EXPECT_FALSE(probe.IsAnyLocked());
}

TEST_F(LockProbeTest, AsksWhatIsThere) {
  const LockProbe none({"/nowhere/at/all"});
  EXPECT_TRUE(none.files().empty());
  EXPECT_FALSE(none.IsAnyLocked());
  const LockProbe one({"/nowhere/at/all", path_.c_str()});
  EXPECT_EQ(one.files().size(), 1U);
  Lock(file_, F_WRLCK);
  EXPECT_TRUE(one.IsAnyLocked());
}

}  // namespace
}  // namespace gatehouse
