#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/un.h>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "tests/ipc/server_fixture.h"

namespace gatehouse {
namespace {

using ServerLimitsTest = ServerFixture;

TEST_F(ServerLimitsTest, ThousandSilentClientsOfOneUserStopNobody) {
  Start(Echo);
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 1000; ++i) silent.push_back(ConnectRaw());
  // Those who came within the last moments are left in peace that long.
  EXPECT_TRUE(BecomesTrue([&] { return Ask({{"a", 1}}).has_value(); }));
  EXPECT_GE(Value(statistics_.accepted), 1001U);
  EXPECT_GT(Value(statistics_.evicted) + Value(statistics_.refused), 900U);
}

TEST_F(ServerLimitsTest, YoungHalfOpenConnectionsRefuseTheNext) {
  ServerLimits limits;
  limits.half_open_per_user_max = 2;
  limits.half_open_evictable_after = std::chrono::hours{1};
  Start(Echo, limits);
  const UniqueFd first = ConnectRaw();
  const UniqueFd second = ConnectRaw();
  EXPECT_EQ(RefusalOn(ConnectRaw()), ErrorCode::kBusy);
  EXPECT_EQ(Value(statistics_.refused), 1U);
  EXPECT_EQ(Value(statistics_.evicted), 0U);
}

TEST_F(ServerLimitsTest, SilentOneGivesWay) {
  ServerLimits limits;
  limits.half_open_per_user_max = 1;
  limits.half_open_evictable_after = std::chrono::milliseconds{0};
  Start(Echo, limits);
  Connection first(ConnectRaw(), 0);
  EXPECT_TRUE(Reaches(statistics_.accepted, 1));
  EXPECT_TRUE(Ask({{"a", 1}}));
  EXPECT_EQ(Value(statistics_.evicted), 1U);
  EXPECT_EQ(first.Receive(kSoon).error().code, ErrorCode::kUnreachable);
}

TEST_F(ServerLimitsTest, HalfOpenConnectionExpires) {
  ServerLimits limits;
  limits.half_open_lifetime_max = std::chrono::milliseconds{5};
  Start(Echo, limits);
  Connection silent(ConnectRaw(), 0);
  EXPECT_EQ(silent.Receive(kSoon).error().code, ErrorCode::kUnreachable);
  EXPECT_TRUE(Reaches(statistics_.expired, 1));
}

// Holds `count` sessions open until it is destroyed.
class HeldSessions {
 public:
  HeldSessions(const std::string& run_directory, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      Result<IpcClient> client = IpcClient::Connect(run_directory);
      EXPECT_TRUE(client);
      EXPECT_TRUE(client->Send({{"hold", 1}}));
      EXPECT_TRUE(client->Receive(std::chrono::seconds{15}));
      clients_.push_back(std::move(*client));
    }
  }

 private:
  std::vector<IpcClient> clients_;
};

void Hold(Session& session) {
  (void)session.Send({{"$type", "held"}});
  if (session.request().contains("hold")) {
    (void)session.Receive(std::chrono::minutes{10});
  }
}

TEST_F(ServerLimitsTest, SessionsOfOneUserAreLimited) {
  ServerLimits limits;
  Start(Hold, limits);
  {
    const HeldSessions held(run_.path(), limits.sessions_per_user_max);
    EXPECT_EQ(Value(statistics_.sessions_now), limits.sessions_per_user_max);
    EXPECT_EQ(Ask({{"a", 1}}).error().code, ErrorCode::kBusy);
    EXPECT_EQ(Value(statistics_.refused), 1U);
  }
  EXPECT_TRUE(BecomesTrue([&] { return Ask({{"a", 1}}).has_value(); }));
}

TEST_F(ServerLimitsTest, SessionsOfAllAreLimited) {
  ServerLimits limits;
  limits.sessions_max = 4;
  limits.sessions_for_root = 0;
  Start(Hold, limits);
  const HeldSessions held(run_.path(), 4);
  EXPECT_EQ(Ask({{"a", 1}}).error().code, ErrorCode::kBusy);
}

TEST_F(ServerLimitsTest, PlacesAreKeptForRoot) {
  ServerLimits limits;
  limits.sessions_max = 4;
  limits.sessions_for_root = 3;
  Start(Hold, limits);
  const size_t places = ::geteuid() == 0 ? 4 : 1;
  const HeldSessions held(run_.path(), places);
  EXPECT_EQ(Ask({{"a", 1}}).error().code, ErrorCode::kBusy);
}

// Lowers the limit of descriptors for as long as it lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t count) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit lowered = {count, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &lowered), 0);
  }
  ~DescriptorLimit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_ = {};
};

double ProcessorSeconds() {
  rusage usage = {};
  EXPECT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) /
             1e6;
}

TEST_F(ServerLimitsTest, WithoutDescriptorsItWaitsWithoutSpinning) {
  Start(Echo);
  UniqueFd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  run_.Path(kSocketName).copy(address.sun_path, sizeof(address.sun_path) - 1);
  const void* const any = &address;
  const double before = ProcessorSeconds();
  std::optional<DescriptorLimit> none(3);
  ASSERT_EQ(::connect(made.UnsafeFd(), static_cast<const sockaddr*>(any),
                      sizeof(address)),
            0);
  Connection waiting(std::move(made), 0);
  ASSERT_TRUE(waiting.Send({{"a", 1}}, {}, kSoon));
  EXPECT_FALSE(waiting.Receive(std::chrono::milliseconds{500}));
  EXPECT_LT(ProcessorSeconds() - before, 0.25);
  EXPECT_EQ(Value(statistics_.accepted), 0U);
  none.reset();
  EXPECT_EQ(waiting.Receive(kSoon)->body, Json({{"a", 1}}));
}

}  // namespace
}  // namespace gatehouse
