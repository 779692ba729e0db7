// ServerFixture: a server in a folder of its own, and clients of it.
//
// One thread, but for what a handler does.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/client.h"
#include "ipc/frame.h"
#include "ipc/message.h"
#include "ipc/server.h"
#include "ipc/socket.h"
#include "tests/becomes_true.h"
#include "tests/temp_dir.h"

namespace gatehouse {

class ServerFixture : public testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kSoon{15000};

  void Start(SessionHandler handler, const ServerLimits& limits = {}) {
    Result<UniqueFd> listener = ListenOn(run_.path());
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
    StartOnListener(std::move(handler), limits);
  }
  void StartOnListener(SessionHandler handler, const ServerLimits& limits) {
    Result<std::unique_ptr<IpcServer>> server = IpcServer::Start(
        listener_.UnsafeFd(), std::move(handler), limits, statistics_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  // Sends the request back.
  static void Echo(Session& session) { (void)session.Send(session.request()); }

  // Sends one request, and returns the answer or the error it speaks of.
  Result<Json> Ask(const Json& request) const {
    Result<IpcClient> client = IpcClient::Connect(run_.path());
    if (!client) return Unexpected(client.error());
    (void)client->Send(request);  // Refused unread, the answer says so.
    return client->Receive(kSoon);
  }

  UniqueFd ConnectRaw() const {
    Result<UniqueFd> connected = ConnectTo(run_.path(), kSoon);
    EXPECT_TRUE(connected) << connected.error().message;
    return connected ? std::move(*connected) : UniqueFd();
  }

  static void SendText(const UniqueFd& fd, std::string_view text) {
    EXPECT_EQ(::send(fd.UnsafeFd(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  // The error frame that comes, then the end.
  static ErrorCode RefusalOn(UniqueFd fd) {
    Connection connection(std::move(fd), 0);
    const Result<IpcMessage> message = connection.Receive(kSoon);
    EXPECT_TRUE(message) << message.error().message;
    if (!message) return ErrorCode::kUnreachable;
    EXPECT_EQ(TypeOf(message->body), kErrorType);
    EXPECT_EQ(connection.Receive(kSoon).error().code, ErrorCode::kUnreachable);
    return ErrorOf(message->body).code;
  }

  uint64_t Value(const std::atomic<uint64_t>& counter) const {
    return counter.load();
  }
  bool Reaches(const std::atomic<uint64_t>& counter, uint64_t value) const {
    return BecomesTrue([&] { return counter.load() == value; });
  }

  TempDir run_;
  UniqueFd listener_;
  ServerStatistics statistics_;
  std::unique_ptr<IpcServer> server_;
};

}  // namespace gatehouse
