#include "quarantine/history_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/quarantine/isolation_world.h"

namespace gatehouse {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kDayMs = int64_t{24} * 60 * 60 * 1000;

class HistoryKeeperTest : public testing::Test {
 protected:
  HistoryKeeperTest() {
    vault_ = world_.OpenVault(files_);
    auto store = ThreatStore::Open(world_.state());
    EXPECT_TRUE(store.has_value());
    store_ = std::move(*store);
    restorer_.emplace(Restorer::Parts{*vault_, *store_, exempt_});
    keeper_.emplace(HistoryKeeper::Parts{
        *vault_, *store_, *restorer_, recorded_files_, statistics_,
        [this](const Error& error) { failures_.push_back(error.message); }});
  }

  // Isolates and records a file as `days` ago, and returns its id.
  std::string Quarantined(const std::string& name, int64_t days) {
    world_.Put(name, MaliciousContent(100));
    const Isolation isolation = world_.Isolate(files_, name);
    EXPECT_EQ(isolation.status, ThreatStatus::kQuarantined);
    Threat threat = ThreatOf(isolation.header);
    threat.history.push_back(
        {now_ms_ - days * kDayMs, ThreatStatus::kQuarantined, ""});
    EXPECT_TRUE(
        store_->Record(threat, FileKey(isolation.header.file)).has_value());
    return threat.id;
  }
  bool Step() { return keeper_->Step(now_, now_ms_); }
  ThreatStatus StatusOf(const std::string& id) {
    return store_->Get(id).value().status();
  }

  const int64_t now_ms_ = WallClockMilliseconds();
  MonotonicTime now_ = MonotonicClock::now();
  IsolationWorld world_;
  LinuxFileOperations files_;
  Exemptions exempt_{files_};
  RecordedFiles recorded_files_;
  HistoryStatistics statistics_;
  std::vector<std::string> failures_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
  std::optional<Restorer> restorer_;
  std::optional<HistoryKeeper> keeper_;
};

TEST_F(HistoryKeeperTest, DeletesWhatIsTooOldAndSaysSoInItsHistory) {
  const std::string old_one = Quarantined("old", 91);
  const std::string new_one = Quarantined("new", 89);
  EXPECT_FALSE(Step());
  EXPECT_EQ(StatusOf(old_one), ThreatStatus::kRemoved);
  EXPECT_EQ(store_->Get(old_one)->history.back().detail,
            "it was in quarantine for 90 days");
  EXPECT_EQ(StatusOf(new_one), ThreatStatus::kQuarantined);
  EXPECT_FALSE(vault_->Contains(old_one));
  EXPECT_TRUE(vault_->Contains(new_one));
  EXPECT_EQ(statistics_.objects_aged, 1U);
  EXPECT_THAT(failures_, IsEmpty());
}

TEST_F(HistoryKeeperTest, LeavesAnIsolationThatGoesOnAlone) {
  world_.Put("file", MaliciousContent(100));
  const UniqueFd writer = world_.Open("file", O_RDWR);
  const Isolation isolation = world_.Isolate(files_, "file");
  ASSERT_TRUE(isolation.captured.has_value());
  Threat threat = ThreatOf(isolation.header);
  threat.history.push_back({0, ThreatStatus::kQuarantined, ""});
  ASSERT_TRUE(
      store_->Record(threat, FileKey(isolation.header.file)).has_value());
  EXPECT_FALSE(Step());
  EXPECT_EQ(StatusOf(threat.id), ThreatStatus::kQuarantined);
  EXPECT_TRUE(vault_->IsStaged(threat.id));
  EXPECT_EQ(statistics_.objects_aged, 0U);
  EXPECT_THAT(failures_, IsEmpty());
}

TEST_F(HistoryKeeperTest, LooksAgainAfterAPeriodAndNotBefore) {
  EXPECT_FALSE(Step());
  const std::string id = Quarantined("old", 91);
  now_ += HistoryKeeper::kPeriod - std::chrono::seconds{1};
  EXPECT_FALSE(Step());
  EXPECT_EQ(StatusOf(id), ThreatStatus::kQuarantined);
  now_ += std::chrono::seconds{1};
  EXPECT_FALSE(Step());
  EXPECT_EQ(StatusOf(id), ThreatStatus::kRemoved);
}

TEST_F(HistoryKeeperTest, DeletesManyInSteps) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < HistoryKeeper::kObjectsAtOnce + 1; ++i) {
    ids.push_back(Quarantined("old" + std::to_string(i), 100));
  }
  EXPECT_TRUE(Step());
  EXPECT_EQ(statistics_.objects_aged, HistoryKeeper::kObjectsAtOnce);
  EXPECT_FALSE(Step());
  EXPECT_EQ(statistics_.objects_aged, ids.size());
}

TEST_F(HistoryKeeperTest, CountsWhatIsForgotten) {
  Threat threat;
  threat.id = "11111111-2222-3333-4444-555555555555";
  threat.history = {{now_ms_ - 91 * kDayMs, ThreatStatus::kRemoved, ""}};
  ASSERT_TRUE(store_->Record(threat, "").has_value());
  EXPECT_TRUE(recorded_files_.Add("key"));
  EXPECT_FALSE(Step());
  EXPECT_EQ(statistics_.threats_aged, 1U);
  EXPECT_THAT(store_->List().value(), SizeIs(0));
  EXPECT_TRUE(recorded_files_.Add("key"));
}

}  // namespace
}  // namespace gatehouse
