#include "ipc/session_pool.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "ipc/connection.h"
#include "ipc/frame.h"
#include "ipc/message.h"
#include "tests/becomes_true.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kSoon{15000};
constexpr std::chrono::hours kForever{1};

// Users that a test of one user cannot be: the pool believes what it is told.
class SessionPoolTest : public testing::Test {
 protected:
  static ServerLimits Limits() {
    ServerLimits limits;
    limits.sessions_max = 5;
    limits.sessions_per_user_max = 2;
    limits.sessions_for_root = 2;
    return limits;
  }

  void Make(SessionHandler handler) {
    pool_ = std::make_unique<SessionPool>(std::move(handler), Limits(),
                                          statistics_, [this] { ++ends_; });
  }

  // A connection of `uid` whose first frame, with this payload, has come.
  HalfOpenConnection Complete(uid_t uid, const std::string& payload = "{}") {
    std::array<int, 2> fds = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()),
              0);
    HalfOpenConnection connection;
    connection.socket.Reset(fds[0]);
    connection.peer.uid = uid;
    const std::string bytes =
        std::string(AsText(
            EncodeFrameHeader({0, static_cast<uint32_t>(payload.size())}))) +
        payload;
    EXPECT_EQ(::send(fds[1], bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    const Result<bool> is_complete = connection.reader.ReadAvailable(fds[0]);
    EXPECT_TRUE(is_complete && *is_complete);
    clients_.emplace_back(UniqueFd(fds[1]), 0);
    return connection;
  }
  bool Starts(uid_t uid) {
    HalfOpenConnection connection = Complete(uid);
    const bool is_started = pool_->Start(connection);
    // What was refused is still the caller's: it has to be told why.
    EXPECT_EQ(connection.socket.valid(), !is_started);
    return is_started;
  }

  ServerStatistics statistics_;
  std::atomic<int> ends_{0};
  std::vector<Connection> clients_;
  std::unique_ptr<SessionPool> pool_;
};

void UntilTheClientGoes(Session& session) { (void)session.Receive(kForever); }

TEST_F(SessionPoolTest, EachUserHasHisShareAndRootHasPlacesKept) {
  Make(UntilTheClientGoes);
  EXPECT_TRUE(Starts(1000));
  EXPECT_TRUE(Starts(1000));
  EXPECT_FALSE(Starts(1000));  // His share.
  EXPECT_TRUE(Starts(1001));
  EXPECT_FALSE(Starts(1002));  // Two of five are for root.
  EXPECT_TRUE(Starts(0));
  EXPECT_TRUE(Starts(0));
  EXPECT_FALSE(Starts(0));
  EXPECT_EQ(statistics_.sessions_now.load(), 5U);
}

// Else root's own sessions would use up what is for others.
TEST_F(SessionPoolTest, SessionsOfRootDoNotCountAgainstOthers) {
  Make(UntilTheClientGoes);
  EXPECT_TRUE(Starts(0));
  EXPECT_TRUE(Starts(0));
  EXPECT_TRUE(Starts(1000));
  EXPECT_TRUE(Starts(1001));
  EXPECT_TRUE(Starts(1002));
  EXPECT_FALSE(Starts(1003));
}

TEST_F(SessionPoolTest, SessionThatIsOverLeavesItsPlace) {
  Make(UntilTheClientGoes);
  EXPECT_TRUE(Starts(1000));
  EXPECT_TRUE(Starts(1000));
  EXPECT_FALSE(Starts(1000));
  clients_.clear();
  EXPECT_TRUE(BecomesTrue([this] { return ends_ == 2; }));
  EXPECT_EQ(statistics_.sessions_now.load(), 0U);
  pool_->Reap();
  EXPECT_TRUE(Starts(1000));
}

TEST_F(SessionPoolTest, WhatIsNoJsonIsAnsweredWithoutTheHandler) {
  std::atomic<int> handled{0};
  Make([&handled](Session&) { ++handled; });
  HalfOpenConnection connection = Complete(1000, "[]");
  EXPECT_TRUE(pool_->Start(connection));
  const Result<IpcMessage> answer = clients_.back().Receive(kSoon);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(ErrorOf(answer->body).code, ErrorCode::kInvalidInput);
  EXPECT_EQ(clients_.back().Receive(kSoon).error().code,
            ErrorCode::kUnreachable);
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(statistics_.malformed.load(), 1U);
}

TEST_F(SessionPoolTest, DestructorEndsWhoeverWaitsForHisClient) {
  std::atomic<int> returned{0};
  Make([&returned](Session& session) {
    UntilTheClientGoes(session);
    ++returned;
  });
  EXPECT_TRUE(Starts(1000));
  EXPECT_TRUE(Starts(0));
  pool_.reset();
  EXPECT_EQ(returned, 2);
  for (Connection& client : clients_) {
    EXPECT_EQ(client.Receive(kSoon).error().code, ErrorCode::kUnreachable);
  }
}

}  // namespace
}  // namespace gatehouse
