#include "ipc/half_open.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>

namespace gatehouse {
namespace {

using std::chrono::milliseconds;
using Room = HalfOpenConnections::Room;

class HalfOpenTest : public testing::Test {
 protected:
  static ServerLimits Limits() {
    ServerLimits limits;
    limits.half_open_max = 5;
    limits.half_open_per_user_max = 3;
    return limits;
  }

  int Add(uid_t uid, MonotonicTime now) {
    HalfOpenConnection connection;
    connection.socket.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    connection.peer.uid = uid;
    connection.accepted_at = now;
    connection.last_heard_at = now;
    const int fd = connection.socket.UnsafeFd();
    table_.Add(std::move(connection));
    return fd;
  }

  HalfOpenConnections table_{Limits()};
  const MonotonicTime start_ = MonotonicClock::now();
};

TEST_F(HalfOpenTest, BelowTheLimitsNobodyGoes) {
  Add(1, start_);
  Add(1, start_);
  EXPECT_EQ(table_.MakeRoom(1, start_ + milliseconds{1000}), Room::kFree);
  EXPECT_EQ(table_.count(), 2U);
}

TEST_F(HalfOpenTest, OldestSilentOneOfTheUserGoes) {
  const int other = Add(2, start_);
  const int first = Add(1, start_ + milliseconds{1});
  const int second = Add(1, start_ + milliseconds{2});
  Add(1, start_ + milliseconds{3});
  // The first one has said something just now.
  table_.Find(first)->last_heard_at = start_ + milliseconds{150};
  EXPECT_EQ(table_.MakeRoom(1, start_ + milliseconds{200}), Room::kEvicted);
  EXPECT_EQ(table_.Find(second), nullptr);
  EXPECT_NE(table_.Find(first), nullptr);
  EXPECT_NE(table_.Find(other), nullptr);
}

TEST_F(HalfOpenTest, YoungOnesStay) {
  for (int i = 0; i < 3; ++i) Add(1, start_);
  EXPECT_EQ(table_.MakeRoom(1, start_ + milliseconds{99}), Room::kNone);
  EXPECT_EQ(table_.MakeRoom(1, start_ + milliseconds{100}), Room::kEvicted);
}

TEST_F(HalfOpenTest, WhenAllIsFullTheBusiestUserMakesRoom) {
  const int only = Add(2, start_);
  const int oldest = Add(1, start_ + milliseconds{1});
  Add(1, start_ + milliseconds{2});
  Add(1, start_ + milliseconds{2});
  Add(3, start_ + milliseconds{2});
  EXPECT_EQ(table_.MakeRoom(4, start_ + milliseconds{50}), Room::kNone);
  EXPECT_EQ(table_.MakeRoom(4, start_ + milliseconds{500}), Room::kEvicted);
  EXPECT_EQ(table_.Find(oldest), nullptr);
  EXPECT_NE(table_.Find(only), nullptr);
}

TEST_F(HalfOpenTest, OldOnesExpireHoweverTalkative) {
  EXPECT_EQ(table_.NextExpiry(), kNever);
  const int first = Add(1, start_);
  Add(1, start_ + milliseconds{1});
  EXPECT_EQ(table_.NextExpiry(), start_ + milliseconds{10000});
  table_.Find(first)->last_heard_at = start_ + milliseconds{9999};
  EXPECT_EQ(table_.Expire(start_ + milliseconds{9999}), 0U);
  EXPECT_EQ(table_.Expire(start_ + milliseconds{10000}), 1U);
  EXPECT_EQ(table_.Find(first), nullptr);
  EXPECT_EQ(table_.count(), 1U);
}

TEST_F(HalfOpenTest, EvictingFromNothingIsNoHarm) {
  EXPECT_FALSE(table_.EvictOne(start_));
}

}  // namespace
}  // namespace gatehouse
