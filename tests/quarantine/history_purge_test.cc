#include "quarantine/history_purge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/quarantine/threat_store_fixture.h"

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ThreatStatus kAll[] = {
    ThreatStatus::kDetected,    ThreatStatus::kBlocked,
    ThreatStatus::kQuarantined, ThreatStatus::kQuarantineFailed,
    ThreatStatus::kRemoved,     ThreatStatus::kRestored,
    ThreatStatus::kAllowed,     ThreatStatus::kNotFound};

class HistoryPurgeTest : public ThreatStoreTest {
 protected:
  // Of a user, with that number, at that time.
  void Put(int number, uint32_t owner, ThreatStatus status,
           const std::string& scan_id = "") {
    Threat threat = Found(number, status);
    threat.owner_uid = owner;
    threat.scan_id = scan_id;
    Record(threat, IdOf(number));
  }
  void PutScan(const std::string& id, uint32_t uid, int64_t end_ms) {
    ScanRecord scan;
    scan.id = id;
    scan.uid = uid;
    scan.start_ms = 1;
    scan.end_ms = end_ms;
    ASSERT_TRUE(store_->BeginScan(scan).has_value());
  }
  std::vector<std::string> ScanIds() {
    std::vector<std::string> ids;
    const auto scans = store_->Scans();
    for (const ScanRecord& scan : scans.value()) {
      ids.push_back(scan.id);
    }
    return ids;
  }
};

TEST_F(HistoryPurgeTest, ForgetsByAgeOnlyWhatIsFinished) {
  int number = 1;
  for (const ThreatStatus status : kAll) Put(number++, 1000, status);
  const auto purged = store_->Purge(9);
  ASSERT_TRUE(purged.has_value()) << purged.error().message;
  EXPECT_EQ(purged->threats, 4U);
  EXPECT_THAT(Ids(), ElementsAre(IdOf(1), IdOf(2), IdOf(3), IdOf(4)));
  EXPECT_EQ(store_->items_purged(), 0U);
}

TEST_F(HistoryPurgeTest, AgeIsCountedFromTheLastChange) {
  Put(1, 1000, ThreatStatus::kDetected);
  AddStatus(1, ThreatStatus::kRemoved);  // At 99.
  Put(50, 1000, ThreatStatus::kRemoved);
  EXPECT_EQ(store_->Purge(50)->threats, 0U);
  EXPECT_EQ(store_->Purge(51)->threats, 1U);
  EXPECT_THAT(Ids(), ElementsAre(IdOf(1)));
  EXPECT_EQ(store_->Purge(100)->threats, 1U);
  EXPECT_THAT(Ids(), IsEmpty());
}

TEST_F(HistoryPurgeTest, AScanGoesAfterTheThreatsThatReferToIt) {
  PutScan("with", 1000, 5);
  PutScan("without", 1000, 5);
  PutScan("new", 1000, 50);
  PutScan("goes on", 1000, 0);
  Put(1, 1000, ThreatStatus::kQuarantined, "with");
  EXPECT_EQ(store_->Purge(10)->scans, 1U);
  EXPECT_THAT(ScanIds(), ElementsAre("with", "new", "goes on"));
  AddStatus(1, ThreatStatus::kRemoved);
  const auto purged = store_->Purge(100);
  EXPECT_EQ(purged->threats, 1U);
  EXPECT_EQ(purged->scans, 2U);
  EXPECT_THAT(ScanIds(), ElementsAre("goes on"));
}

TEST_F(HistoryPurgeTest, SaysWhatHasBeenInQuarantineForLong) {
  Put(1, 1000, ThreatStatus::kQuarantined);
  Put(2, 1000, ThreatStatus::kRemoved);
  Put(3, 1000, ThreatStatus::kQuarantineFailed);
  Put(4, 1000, ThreatStatus::kBlocked);
  Put(30, 1000, ThreatStatus::kQuarantined);
  EXPECT_THAT(store_->InVaultBefore(30).value(), ElementsAre(IdOf(1), IdOf(3)));
}

TEST_F(HistoryPurgeTest, AUserWithManyPushesOutNothingOfOthers) {
  Reopen({.items_max = 6});
  Put(1, 1000, ThreatStatus::kRemoved);
  Put(2, 1000, ThreatStatus::kBlocked);
  Put(3, 1000, ThreatStatus::kQuarantined);
  for (int number = 10; number < 30; ++number) {
    Put(number, 1001, ThreatStatus::kRemoved);
  }
  EXPECT_THAT(Ids(1000), ElementsAre(IdOf(1), IdOf(2), IdOf(3)));
  EXPECT_THAT(Ids(1001), ElementsAre(IdOf(26), IdOf(27), IdOf(28), IdOf(29)));
  EXPECT_EQ(store_->items_purged(), 16U);
}

TEST_F(HistoryPurgeTest, WhatLiesInItsPlaceGoesLast) {
  Reopen({.items_max = 3});
  Put(1, 1000, ThreatStatus::kBlocked);
  Put(2, 1000, ThreatStatus::kRemoved);
  Put(3, 1000, ThreatStatus::kBlocked);
  Put(4, 1000, ThreatStatus::kBlocked);
  EXPECT_THAT(Ids(), ElementsAre(IdOf(1), IdOf(3), IdOf(4)));
  Put(5, 1000, ThreatStatus::kBlocked);
  EXPECT_THAT(Ids(), ElementsAre(IdOf(3), IdOf(4), IdOf(5)));
}

TEST_F(HistoryPurgeTest, ScansCountAsItems) {
  Reopen({.items_max = 3});
  PutScan("one", 1000, 1);
  PutScan("two", 1000, 2);
  Put(3, 1000, ThreatStatus::kRemoved);
  Put(4, 1000, ThreatStatus::kRemoved);
  EXPECT_THAT(ScanIds(), ElementsAre("two"));
  EXPECT_THAT(Ids(), ElementsAre(IdOf(3), IdOf(4)));
}

TEST_F(HistoryPurgeTest, WithoutRoomForAnythingNothingOfTheVaultGoes) {
  Reopen({.items_max = 1});
  for (int number = 1; number < 6; ++number) {
    Put(number, 1000, ThreatStatus::kQuarantined);
  }
  EXPECT_TRUE(store_->Purge(0).has_value());
  EXPECT_EQ(Ids().size(), 5U);
}

TEST_F(HistoryPurgeTest, ManyAtOnceMakeRoomForMore) {
  Reopen({.items_max = 640});
  for (int number = 1; number <= 641; ++number) {
    Put(number, 1000, ThreatStatus::kRemoved);
  }
  EXPECT_EQ(store_->items_purged(), 11U);
  Put(642, 1000, ThreatStatus::kRemoved);
  EXPECT_EQ(store_->items_purged(), 11U);
}

}  // namespace
}  // namespace gatehouse
