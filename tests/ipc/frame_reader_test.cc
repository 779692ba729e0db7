#include "ipc/frame_reader.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace gatehouse {
namespace {

// Blocking sockets: the reader itself must not.
class FrameReaderTest : public testing::Test {
 protected:
  FrameReaderTest() {
    std::array<int, 2> fds = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()),
              0);
    ours_.Reset(fds[0]);
    theirs_.Reset(fds[1]);
  }

  static std::string Framed(std::string_view payload) {
    return std::string(AsText(
               EncodeFrameHeader({0, static_cast<uint32_t>(payload.size())}))) +
           std::string(payload);
  }
  void Send(std::string_view bytes) {
    EXPECT_EQ(
        ::send(theirs_.UnsafeFd(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
        static_cast<ssize_t>(bytes.size()));
  }
  Result<bool> Read() { return reader_.ReadAvailable(ours_.UnsafeFd()); }
  bool IsComplete() {
    const Result<bool> is_complete = Read();
    EXPECT_TRUE(is_complete);
    return is_complete && *is_complete;
  }
  size_t BytesLeft() const {
    std::array<char, 64> bytes = {};
    const ssize_t count = ::recv(ours_.UnsafeFd(), bytes.data(), bytes.size(),
                                 MSG_PEEK | MSG_DONTWAIT);
    return count < 0 ? 0 : static_cast<size_t>(count);
  }

  UniqueFd ours_;
  UniqueFd theirs_;
  FrameReader reader_{0};
};

TEST_F(FrameReaderTest, NothingThereIsNoErrorAndNoWait) {
  EXPECT_FALSE(IsComplete());
  EXPECT_TRUE(reader_.is_empty());
}

TEST_F(FrameReaderTest, FrameGrowsWithEachByte) {
  const std::string bytes = Framed("{\"a\":1}");
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    Send(bytes.substr(i, 1));
    EXPECT_FALSE(IsComplete());
    EXPECT_FALSE(reader_.is_empty());
  }
  Send(bytes.substr(bytes.size() - 1));
  EXPECT_TRUE(IsComplete());
  EXPECT_EQ(reader_.Take().payload, "{\"a\":1}");
  EXPECT_TRUE(reader_.is_empty());
}

TEST_F(FrameReaderTest, NextFrameStaysInTheSocket) {
  Send(Framed("{}") + Framed("{\"next\":1}"));
  EXPECT_TRUE(IsComplete());
  EXPECT_EQ(BytesLeft(), Framed("{\"next\":1}").size());
  EXPECT_EQ(reader_.Take().payload, "{}");
  EXPECT_TRUE(IsComplete());
  EXPECT_EQ(reader_.Take().payload, "{\"next\":1}");
}

TEST_F(FrameReaderTest, WhatCameBeforeTheEndIsStillRead) {
  Send(Framed("{}"));
  theirs_.Reset();
  EXPECT_TRUE(IsComplete());
  EXPECT_EQ(reader_.Take().payload, "{}");
  EXPECT_EQ(Read().error().code, ErrorCode::kUnreachable);
}

TEST_F(FrameReaderTest, WhatIsNoSocketIsAnError) {
  reader_ = FrameReader(0);
  const Result<bool> is_complete = reader_.ReadAvailable(-1);
  ASSERT_FALSE(is_complete);
  EXPECT_EQ(is_complete.error().code, ErrorCode::kOperational);
}

}  // namespace
}  // namespace gatehouse
