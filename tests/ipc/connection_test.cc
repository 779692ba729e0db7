#include "ipc/connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <thread>

#include "ipc/frame.h"
#include "ipc/peer.h"
#include "tests/becomes_true.h"
#include "tests/ipc/open_descriptors.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kSoon{10000};
constexpr std::chrono::milliseconds kNow{1};

struct Ends {
  UniqueFd one;
  UniqueFd other;
};

Ends MakeEnds() {
  std::array<int, 2> fds = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()),
            0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::string FrameText(std::string_view payload, uint8_t descriptors = 0) {
  return std::string(AsText(EncodeFrameHeader(
             {descriptors, static_cast<uint32_t>(payload.size())}))) +
         std::string(payload);
}

// Raw bytes with `count` descriptors of /dev/null beside them.
void SendRaw(int fd, std::string bytes, size_t count = 0) {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<int> fds(count, null.UnsafeFd());
  iovec part = {bytes.data(), bytes.size()};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<char> control(CMSG_SPACE(count * sizeof(int)));
  if (count != 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), count * sizeof(int));
  }
  EXPECT_EQ(::sendmsg(fd, &message, MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

class ConnectionTest : public testing::Test {
 protected:
  ErrorCode ReceiveError() {
    const Result<IpcMessage> message = receiver_.Receive(kSoon);
    EXPECT_FALSE(message);
    return message ? ErrorCode::kOperational : message.error().code;
  }

  Ends ends_ = MakeEnds();
  int sender_fd_ = ends_.one.UnsafeFd();
  Connection receiver_{std::move(ends_.other), kFrameDescriptorsMax};
};

TEST_F(ConnectionTest, MessagesArriveOneByOne) {
  Connection sender(std::move(ends_.one), 0);
  ASSERT_TRUE(sender.Send({{"a", 1}}, {}, kSoon));
  ASSERT_TRUE(sender.Send({{"b", 2}}, {}, kSoon));
  EXPECT_EQ(receiver_.Receive(kSoon)->body, Json({{"a", 1}}));
  EXPECT_EQ(receiver_.Receive(kSoon)->body, Json({{"b", 2}}));
}

TEST_F(ConnectionTest, DescriptorsStayWithTheirMessage) {
  Connection sender(std::move(ends_.one), 0);
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> all(kFrameDescriptorsMax, null.UnsafeFd());
  ASSERT_TRUE(sender.Send({{"a", 1}}, {}, kSoon));
  ASSERT_TRUE(sender.Send({{"b", 2}}, all, kSoon));
  ASSERT_TRUE(sender.Send({{"c", 3}}, {}, kSoon));
  EXPECT_EQ(receiver_.Receive(kSoon)->descriptors.size(), 0U);
  const Result<IpcMessage> second = receiver_.Receive(kSoon);
  ASSERT_TRUE(second);
  ASSERT_EQ(second->descriptors.size(), kFrameDescriptorsMax);
  EXPECT_EQ(::fcntl(second->descriptors[0].UnsafeFd(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(receiver_.Receive(kSoon)->descriptors.size(), 0U);
}

TEST_F(ConnectionTest, LargestMessageArrivesThroughASmallBuffer) {
  const int small = 4096;
  ASSERT_EQ(
      ::setsockopt(sender_fd_, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
      0);
  const Json body = {{"a", std::string(kFramePayloadBytesMax - 8, 'x')}};
  ASSERT_EQ(JsonText(body).size(), kFramePayloadBytesMax);
  Connection sender(std::move(ends_.one), 0);
  const std::jthread other([&] { EXPECT_TRUE(sender.Send(body, {}, kSoon)); });
  const Result<IpcMessage> message = receiver_.Receive(kSoon);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->body, body);
}

TEST_F(ConnectionTest, OneByteMoreIsNotSent) {
  Connection sender(std::move(ends_.one), 0);
  const Json body = {{"a", std::string(kFramePayloadBytesMax - 7, 'x')}};
  const Result<bool> is_sent = sender.Send(body, {}, kSoon);
  ASSERT_FALSE(is_sent);
  EXPECT_EQ(is_sent.error().code, ErrorCode::kLimitExceeded);
  ASSERT_TRUE(sender.Send({{"b", 2}}, {}, kSoon));
  EXPECT_EQ(receiver_.Receive(kSoon)->body, Json({{"b", 2}}));
}

TEST_F(ConnectionTest, OneByteMoreIsNotRead) {
  SendRaw(sender_fd_, std::string("GH\x01\0\x01\0\x01\0", 8));
  EXPECT_EQ(ReceiveError(), ErrorCode::kLimitExceeded);
}

TEST_F(ConnectionTest, EndInTheMiddleIsReportedAtOnce) {
  SendRaw(sender_fd_, FrameText("{}").substr(0, 9));
  ends_.one.Reset();
  EXPECT_EQ(ReceiveError(), ErrorCode::kUnreachable);
}

TEST_F(ConnectionTest, PeerThatSaysNothingIsNotWaitedForLonger) {
  const Result<IpcMessage> message = receiver_.Receive(kNow);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, ErrorCode::kUnreachable);
}

TEST_F(ConnectionTest, PeerThatReadsNothingIsNotWaitedForLonger) {
  Connection sender(std::move(ends_.one), 0);
  const Json body = {{"a", std::string(60000, 'x')}};
  EXPECT_TRUE(BecomesTrue([&] { return !sender.Send(body, {}, kNow); }));
}

TEST_F(ConnectionTest, PeerThatHasGoneIsNoSignal) {
  Connection sender(std::move(ends_.one), 0);
  { const Connection gone = std::move(receiver_); }
  EXPECT_EQ(sender.Send({{"a", 1}}, {}, kSoon).error().code,
            ErrorCode::kUnreachable);
}

TEST_F(ConnectionTest, WrongNumberOfDescriptorsClosesThemAll) {
  const size_t before = OpenDescriptors();
  struct Case {
    uint8_t announced = 0;
    size_t sent = 0;
  };
  for (const Case& wrong :
       {Case{0, 1}, Case{1, 0}, Case{2, 1}, Case{1, 2}, Case{64, 63},
        Case{64, 65}, Case{0, 253}, Case{64, 253}}) {
    Ends ends = MakeEnds();
    Connection receiver(std::move(ends.other), kFrameDescriptorsMax);
    SendRaw(ends.one.UnsafeFd(), FrameText("{}", wrong.announced), wrong.sent);
    const Result<IpcMessage> message = receiver.Receive(kSoon);
    EXPECT_FALSE(message) << int{wrong.announced} << " " << wrong.sent;
    EXPECT_NE(message.error().code, ErrorCode::kUnreachable);
    // Only the two ends are left.
    EXPECT_EQ(OpenDescriptors(), before + 2);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ConnectionTest, MoreDescriptorsThanAllowedHereAreRefused) {
  Ends ends = MakeEnds();
  const size_t before = OpenDescriptors();
  Connection receiver(std::move(ends.other), 1);
  SendRaw(ends.one.UnsafeFd(), FrameText("{}", 2), 2);
  EXPECT_FALSE(receiver.Receive(kSoon));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ConnectionTest, DescriptorsOfAnUnfinishedFrameAreClosedWithIt) {
  const size_t before = OpenDescriptors();
  {
    Ends ends = MakeEnds();
    Connection receiver(std::move(ends.other), 64);
    SendRaw(ends.one.UnsafeFd(), FrameText("{}", 9).substr(0, 9), 9);
    EXPECT_FALSE(receiver.Receive(kNow));
    EXPECT_EQ(OpenDescriptors(), before + 2 + 9);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(ConnectionTest, PayloadThatIsNoObjectIsInvalid) {
  SendRaw(sender_fd_, FrameText("[]"));
  EXPECT_EQ(ReceiveError(), ErrorCode::kInvalidInput);
}

TEST_F(ConnectionTest, PeerIsWhoTheKernelSays) {
  const Result<PeerCredentials> peer = PeerOf(sender_fd_);
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->uid, ::geteuid());
  EXPECT_EQ(peer->gid, ::getegid());
  EXPECT_EQ(peer->pid, ::getpid());
  std::vector<gid_t> groups(65536);
  groups.resize(static_cast<size_t>(
      ::getgroups(static_cast<int>(groups.size()), groups.data())));
  std::sort(groups.begin(), groups.end());
  std::vector<gid_t> seen = peer->groups;
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, groups);
}

TEST_F(ConnectionTest, WhatIsNoSocketHasNoPeer) {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(PeerOf(null.UnsafeFd()));
}

}  // namespace
}  // namespace gatehouse
