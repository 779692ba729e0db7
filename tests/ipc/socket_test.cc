#include "ipc/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "ipc/client.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kSoon{5000};

TEST(SocketTest, AnybodyMayConnect) {
  const TempDir run;
  const mode_t before = ::umask(0077);
  const Result<UniqueFd> listener = ListenOn(run.path());
  EXPECT_EQ(::umask(before), mode_t{0077});
  ASSERT_TRUE(listener) << listener.error().message;
  struct stat status = {};
  ASSERT_EQ(::stat(run.Path(kSocketName).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, mode_t{S_IFSOCK | 0666});
  EXPECT_NE(::fcntl(listener->UnsafeFd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listener->UnsafeFd(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_TRUE(ConnectTo(run.path(), kSoon));
}

TEST(SocketTest, StaleSocketIsReplaced) {
  const TempDir run;
  { ASSERT_TRUE(ListenOn(run.path())); }
  EXPECT_EQ(ConnectTo(run.path(), kSoon).error().code, ErrorCode::kUnreachable);
  const Result<UniqueFd> second = ListenOn(run.path());
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(ConnectTo(run.path(), kSoon));
}

TEST(SocketTest, LiveServerIsLeftAloneAndNamed) {
  const TempDir run;
  const Result<UniqueFd> first = ListenOn(run.path());
  ASSERT_TRUE(first);
  const Result<UniqueFd> second = ListenOn(run.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_NE(second.error().message.find(run.Path(kSocketName)),
            std::string::npos);
  EXPECT_TRUE(ConnectTo(run.path(), kSoon));
}

TEST(SocketTest, WhatIsNoSocketIsLeftAlone) {
  const TempDir run;
  const std::string path = run.Write(kSocketName, "precious");
  EXPECT_FALSE(ListenOn(run.path()));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(SocketTest, LongPathIsALimitAndNotCut) {
  const TempDir run;
  const std::string long_path = run.path() + "/" + std::string(120, 'x');
  EXPECT_EQ(ListenOn(long_path).error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(ConnectTo(long_path, kSoon).error().code,
            ErrorCode::kLimitExceeded);
}

TEST(SocketTest, NobodyThereIsUnreachable) {
  const TempDir run;
  EXPECT_EQ(IpcClient::Connect(run.path()).error().code,
            ErrorCode::kUnreachable);
  EXPECT_EQ(IpcClient::Connect(run.Path("none")).error().code,
            ErrorCode::kUnreachable);
}

TEST(SocketTest, FullBacklogIsNotWaitedForForever) {
  const TempDir run;
  const Result<UniqueFd> listener = ListenOn(run.path());
  ASSERT_TRUE(listener);
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < kListenBacklog + 1; ++i) {
    Result<UniqueFd> client = ConnectTo(run.path(), kSoon);
    ASSERT_TRUE(client) << client.error().message;
    waiting.push_back(std::move(*client));
  }
  EXPECT_EQ(ConnectTo(run.path(), std::chrono::milliseconds{1}).error().code,
            ErrorCode::kUnreachable);
}

}  // namespace
}  // namespace gatehouse
