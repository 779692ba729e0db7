#include "ipc/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "tests/ipc/open_descriptors.h"
#include "tests/ipc/server_fixture.h"

namespace gatehouse {
namespace {

using ServerTest = ServerFixture;

std::string Framed(std::string_view payload, uint8_t descriptors = 0) {
  return std::string(AsText(EncodeFrameHeader(
             {descriptors, static_cast<uint32_t>(payload.size())}))) +
         std::string(payload);
}

TEST_F(ServerTest, AnswersAndCloses) {
  Start(Echo);
  Result<IpcClient> client = IpcClient::Connect(run_.path());
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->Send({{"command", "health"}}));
  EXPECT_EQ(*client->Receive(kSoon), Json({{"command", "health"}}));
  EXPECT_EQ(client->Receive(kSoon).error().code, ErrorCode::kUnreachable);
  EXPECT_EQ(Value(statistics_.accepted), 1U);
  EXPECT_TRUE(Reaches(statistics_.sessions_now, 0));
}

TEST_F(ServerTest, HandlerKnowsWhoAsks) {
  std::atomic<uid_t> uid{12345};
  std::atomic<pid_t> pid{0};
  Start([&](Session& session) {
    uid = session.peer().uid;
    pid = session.peer().pid;
    Echo(session);
  });
  ASSERT_TRUE(Ask({{"a", 1}}));
  EXPECT_EQ(uid, ::geteuid());
  EXPECT_EQ(pid, ::getpid());
}

TEST_F(ServerTest, RequestMayComeByteByByte) {
  Start(Echo);
  UniqueFd fd = ConnectRaw();
  for (const char c : Framed("{\"slow\":true}")) {
    SendText(fd, std::string_view(&c, 1));
  }
  Connection connection(std::move(fd), 0);
  EXPECT_EQ(connection.Receive(kSoon)->body, Json({{"slow", true}}));
}

TEST_F(ServerTest, SlowClientKeepsNobodyWaiting) {
  Start(Echo);
  const UniqueFd slow = ConnectRaw();
  SendText(slow, Framed("{}").substr(0, 9));
  EXPECT_TRUE(Ask({{"a", 1}}));
}

TEST_F(ServerTest, DescriptorComesWithTheRequestAndIsClosedAfterIt) {
  std::atomic<size_t> seen{99};
  Start([&](Session& session) {
    seen = session.descriptor_count();
    Echo(session);
  });
  const size_t before = OpenDescriptors();
  {
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    Result<IpcClient> client = IpcClient::Connect(run_.path());
    ASSERT_TRUE(client);
    const std::array<int, 1> fds = {null.UnsafeFd()};
    ASSERT_TRUE(client->Send({{"a", 1}}, fds));
    EXPECT_TRUE(client->Receive(kSoon));
    EXPECT_EQ(seen, 1U);
  }
  EXPECT_TRUE(BecomesTrue([&] { return OpenDescriptors() == before; }));
}

TEST_F(ServerTest, RequestBringsOneDescriptorAtMost) {
  Start(Echo);
  const size_t before = OpenDescriptors();
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  {
    Result<IpcClient> client = IpcClient::Connect(run_.path());
    ASSERT_TRUE(client);
    const std::array<int, 2> fds = {null.UnsafeFd(), null.UnsafeFd()};
    (void)client->Send({{"a", 1}}, fds);
    EXPECT_EQ(client->Receive(kSoon).error().code, ErrorCode::kLimitExceeded);
  }
  EXPECT_TRUE(BecomesTrue([&] { return OpenDescriptors() == before + 1; }));
  EXPECT_EQ(Value(statistics_.malformed), 1U);
}

TEST_F(ServerTest, WhatIsNoRequestIsAnsweredAndClosed) {
  std::atomic<int> handled{0};
  Start([&](Session&) { ++handled; });
  const std::string oversize("GH\x01\0\x01\0\x01\0", 8);
  uint64_t malformed = 0;
  for (const std::string& text :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("GH\x02"), oversize,
        oversize + std::string(65537, ' '), Framed("[]"), Framed("{\"a\":"),
        Framed(""), Framed("\"\xff\""), Framed("{}", 1),
        std::string("GH\x01\x41\0\0\0\0", 8)}) {
    UniqueFd fd = ConnectRaw();
    (void)::send(fd.UnsafeFd(), text.data(), text.size(),
                 MSG_NOSIGNAL);  // It may be closed in the middle.
    const ErrorCode code = RefusalOn(std::move(fd));
    EXPECT_TRUE(code == ErrorCode::kInvalidInput ||
                code == ErrorCode::kLimitExceeded)
        << text;
    EXPECT_TRUE(Reaches(statistics_.malformed, ++malformed));
  }
  EXPECT_EQ(handled, 0);
}

TEST_F(ServerTest, SessionGoesOnWithFurtherFrames) {
  std::atomic<size_t> descriptors{0};
  Start([&](Session& session) {
    (void)session.Send({{"$type", "ready"}});
    for (;;) {
      Result<IpcMessage> message = session.Receive(kSoon);
      if (!message || message->body.contains("end")) break;
      descriptors += message->descriptors.size();
      (void)session.Send({{"$type", "more"}});
    }
    (void)session.Send({{"$type", "over"}});
  });
  const size_t before = OpenDescriptors();
  {
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::vector<int> fds(64, null.UnsafeFd());
    Result<IpcClient> client = IpcClient::Connect(run_.path());
    ASSERT_TRUE(client->Send({{"begin", 1}}));
    EXPECT_EQ(TypeOf(*client->Receive(kSoon)), "ready");
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(client->Send({{"files", 64}}, fds));
      EXPECT_EQ(TypeOf(*client->Receive(kSoon)), "more");
    }
    ASSERT_TRUE(client->Send({{"end", 1}}));
    EXPECT_EQ(TypeOf(*client->Receive(kSoon)), "over");
  }
  EXPECT_EQ(descriptors, 20U * 64);
  EXPECT_TRUE(BecomesTrue([&] { return OpenDescriptors() == before; }));
}

TEST_F(ServerTest, NonsenseInASessionIsAnsweredAndEndsIt) {
  std::atomic<int> received{0};
  Start([&](Session& session) {
    while (session.Receive(kSoon)) ++received;
  });
  UniqueFd fd = ConnectRaw();
  SendText(fd, Framed("{}") + Framed("{}") + "garbage!");
  EXPECT_EQ(RefusalOn(std::move(fd)), ErrorCode::kInvalidInput);
  EXPECT_EQ(received, 1);
}

TEST_F(ServerTest, ClientThatGoesEndsItsSession) {
  Start([](Session& session) { (void)session.Receive(kSoon); });
  {
    const UniqueFd fd = ConnectRaw();
    SendText(fd, Framed("{}"));
    EXPECT_TRUE(Reaches(statistics_.sessions_now, 1));
  }
  EXPECT_TRUE(Reaches(statistics_.sessions_now, 0));
}

TEST_F(ServerTest, DestructorEndsSessionsAndHalfOpenConnections) {
  const size_t before = OpenDescriptors();
  {
    const TempDir unused;
    std::atomic<int> ended{0};
    Start([&](Session& session) {
      (void)session.Receive(std::chrono::hours{1});
      ++ended;
    });
    Result<IpcClient> in_session = IpcClient::Connect(run_.path());
    ASSERT_TRUE(in_session->Send({{"a", 1}}));
    const UniqueFd half_open = ConnectRaw();
    EXPECT_TRUE(Reaches(statistics_.sessions_now, 1));
    EXPECT_TRUE(Reaches(statistics_.accepted, 2));
    server_.reset();
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(in_session->Receive(kSoon).error().code, ErrorCode::kUnreachable);
    EXPECT_EQ(Connection(UniqueFd(::dup(half_open.UnsafeFd())), 0)
                  .Receive(kSoon)
                  .error()
                  .code,
              ErrorCode::kUnreachable);
  }
  EXPECT_EQ(OpenDescriptors(), before + 1);  // The listener.
}

TEST_F(ServerTest, AnotherServerGoesOnWithTheListener) {
  Start(Echo);
  server_.reset();
  const UniqueFd early = ConnectRaw();  // Waits in the backlog.
  SendText(early, Framed("{\"early\":1}"));
  StartOnListener(Echo, {});
  Connection connection(UniqueFd(::dup(early.UnsafeFd())), 0);
  EXPECT_EQ(connection.Receive(kSoon)->body, Json({{"early", 1}}));
}

// A session ends a moment after its client has the answer, so that some who
// ask again at once are told "busy".
TEST_F(ServerTest, ManyClientsAtOnceAllGetTheirAnswer) {
  ServerLimits limits;
  limits.sessions_per_user_max = limits.sessions_max;
  Start(Echo, limits);
  std::vector<std::jthread> clients;
  std::atomic<int> answered{0};
  std::atomic<int> busy{0};
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([this, &answered, &busy, i] {
      for (int k = 0; k < 20; ++k) {
        const Json request = {{"n", i * 100 + k}};
        const Result<Json> answer = Ask(request);
        if (answer && *answer == request) ++answered;
        if (!answer && answer.error().code == ErrorCode::kBusy) ++busy;
      }
    });
  }
  clients.clear();
  EXPECT_EQ(answered + busy, 16 * 20);
  EXPECT_GT(answered, busy);
  EXPECT_EQ(Value(statistics_.refused), static_cast<uint64_t>(busy));
}

}  // namespace
}  // namespace gatehouse
