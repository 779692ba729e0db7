#include "daemon/state_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

mode_t ModeOf(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

class StateLockTest : public testing::Test {
 protected:
  const TempDir directory_;
  const std::string state_ = directory_.Path("state");
};

TEST_F(StateLockTest, MakesADirectoryThatIsOursAlone) {
  const auto lock = StateLock::Take(state_);
  ASSERT_TRUE(lock.has_value()) << lock.error().message;
  EXPECT_EQ(ModeOf(state_), 0700U);
  EXPECT_EQ(ModeOf(state_ + "/lock"), 0600U);
  EXPECT_GE(lock->UnsafeFd(), 0);
  EXPECT_NE(::fcntl(lock->UnsafeFd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(StateLockTest, TheFirstRunFollowsNoUncleanOne) {
  EXPECT_FALSE(StateLock::Take(state_).value().previous_run_unclean());
}

TEST_F(StateLockTest, RemembersARunThatDidNotEnd) {
  (void)StateLock::Take(state_).value();
  EXPECT_TRUE(StateLock::Take(state_).value().previous_run_unclean());
}

TEST_F(StateLockTest, ForgetsARunThatEndedInAnOrderlyWay) {
  StateLock::Take(state_).value().MarkCleanEnd();
  auto lock = StateLock::Take(state_).value();
  EXPECT_FALSE(lock.previous_run_unclean());
  lock.MarkCleanEnd();
}

TEST_F(StateLockTest, IsFreeOnceItsOwnerIsGone) {
  { const auto lock = StateLock::Take(state_).value(); }
  EXPECT_TRUE(StateLock::Take(state_).has_value());
}

// Takes the second that a daemon has to go away.
TEST_F(StateLockTest, RefusesASecondDaemon) {
  const auto first = StateLock::Take(state_).value();
  const auto second = StateLock::Take(state_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kOperational);
  EXPECT_THAT(second.error().message, HasSubstr(state_));
  EXPECT_THAT(second.error().message, HasSubstr("in use by another daemon"));
}

TEST_F(StateLockTest, WaitsForADaemonThatIsJustGoingAway) {
  std::optional<StateLock> first(StateLock::Take(state_).value());
  const std::jthread end([&first] { first.reset(); });
  EXPECT_TRUE(StateLock::Take(state_).has_value());
}

TEST_F(StateLockTest, FollowsNoLinkInPlaceOfTheLockFile) {
  ASSERT_EQ(::mkdir(state_.c_str(), 0700), 0);
  const std::string elsewhere = directory_.Write("elsewhere", "precious");
  ASSERT_EQ(::symlink(elsewhere.c_str(), (state_ + "/lock").c_str()), 0);
  EXPECT_FALSE(StateLock::Take(state_).has_value());
  EXPECT_EQ(ModeOf(elsewhere), 0644U);
}

TEST_F(StateLockTest, RefusesADirectoryThatOthersMayWriteTo) {
  ASSERT_EQ(::mkdir(state_.c_str(), 0700), 0);
  for (const mode_t mode : {0770U, 0702U, 0777U}) {
    ASSERT_EQ(::chmod(state_.c_str(), mode), 0);
    const auto lock = StateLock::Take(state_);
    ASSERT_FALSE(lock.has_value());
    EXPECT_EQ(lock.error().code, ErrorCode::kNotPermitted);
  }
}

TEST_F(StateLockTest, RefusesAFileInPlaceOfTheDirectory) {
  const auto lock = StateLock::Take(directory_.Write("state", "text"));
  ASSERT_FALSE(lock.has_value());
  EXPECT_EQ(lock.error().code, ErrorCode::kOperational);
  EXPECT_THAT(lock.error().message, HasSubstr("not a directory"));
}

TEST_F(StateLockTest, MakesNoDirectoriesAboveItsOwn) {
  const auto lock = StateLock::Take(state_ + "/deeper");
  ASSERT_FALSE(lock.has_value());
  EXPECT_EQ(lock.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(lock.error().message, HasSubstr(state_ + "/deeper"));
}

TEST_F(StateLockTest, EnsuresADirectoryTwice) {
  EXPECT_TRUE(EnsureDirectory(state_, 0755).has_value());
  EXPECT_TRUE(EnsureDirectory(state_, 0700).has_value());
  EXPECT_EQ(ModeOf(state_), 0755U);  // It is left as it was.
}

}  // namespace
}  // namespace gatehouse
