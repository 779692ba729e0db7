#include "quarantine/threat_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/quarantine/threat_store_fixture.h"

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void ExpectSame(const Threat& a, const Threat& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.owner_uid, b.owner_uid);
  EXPECT_EQ(a.file_bytes, b.file_bytes);
  EXPECT_EQ(a.sha256, b.sha256);
  EXPECT_EQ(a.scan_id, b.scan_id);
  EXPECT_EQ(a.isolated_in_time, b.isolated_in_time);
  EXPECT_EQ(a.isolated_after_ms, b.isolated_after_ms);
  ASSERT_EQ(a.history.size(), b.history.size());
  for (size_t i = 0; i < a.history.size(); ++i) {
    EXPECT_EQ(a.history[i].time_ms, b.history[i].time_ms);
    EXPECT_EQ(a.history[i].status, b.history[i].status);
    EXPECT_EQ(a.history[i].detail, b.history[i].detail);
  }
}

TEST_F(ThreatStoreTest, RemembersEverythingAfterReopening) {
  Threat threat = Found(1);
  threat.history.push_back({5, ThreatStatus::kBlocked, ""});
  EXPECT_EQ(Record(threat, "key"), threat.id);
  ExpectSame(Get(1), threat);
  Reopen();
  ExpectSame(Get(1), threat);
  EXPECT_THAT(store_->notice(), IsEmpty());
}

TEST_F(ThreatStoreTest, WhatIsNotKnownStaysUnknown) {
  Threat threat = Found(1);
  threat.isolated_in_time.reset();
  threat.sha256.clear();
  threat.path.clear();
  Record(threat, "");
  ExpectSame(Get(1), threat);
}

TEST_F(ThreatStoreTest, OneThreatPerFile) {
  Record(Found(1), "key");
  EXPECT_EQ(Record(Found(2), "key"), IdOf(1));
  EXPECT_EQ(Get(1).history.size(), 1U);
  EXPECT_EQ(Record(Found(3, ThreatStatus::kBlocked), "key"), IdOf(1));
  EXPECT_EQ(Get(1).status(), ThreatStatus::kBlocked);
  EXPECT_EQ(Get(1).history.size(), 2U);
  EXPECT_EQ(Record(Found(4), "other"), IdOf(4));
  EXPECT_THAT(Ids(), ElementsAre(IdOf(1), IdOf(4)));
}

TEST_F(ThreatStoreTest, AFinishedThreatDoesNotTakeTheNextOneOfItsFile) {
  int number = 1;
  for (const ThreatStatus status :
       {ThreatStatus::kQuarantined, ThreatStatus::kRemoved,
        ThreatStatus::kRestored, ThreatStatus::kNotFound}) {
    EXPECT_EQ(Record(Found(number, status), "key"), IdOf(number));
    ++number;
  }
  EXPECT_EQ(Record(Found(9, ThreatStatus::kQuarantineFailed), "key"), IdOf(9));
  EXPECT_EQ(Record(Found(10), "key"), IdOf(9));
}

TEST_F(ThreatStoreTest, AFileThatIsAllowedIsOneThreat) {
  Record(Found(1, ThreatStatus::kAllowed), "key");
  EXPECT_EQ(Record(Found(2, ThreatStatus::kAllowed), "key"), IdOf(1));
  EXPECT_EQ(Get(1).history.size(), 1U);
  EXPECT_EQ(Record(Found(3, ThreatStatus::kBlocked), "key"), IdOf(1));
  EXPECT_EQ(Get(1).status(), ThreatStatus::kBlocked);
}

TEST_F(ThreatStoreTest, SaysWhichThreatOfAFileIsNotFinished) {
  Record(Found(1), "key");
  EXPECT_EQ(store_->UnfinishedOf("key").value(), IdOf(1));
  EXPECT_EQ(store_->UnfinishedOf("other").value(), "");
  EXPECT_EQ(store_->FileKeyOf(IdOf(1)).value(), "key");
  EXPECT_EQ(store_->FileKeyOf(IdOf(2)).error().code, ErrorCode::kNotFound);
  AddStatus(1, ThreatStatus::kQuarantined);
  EXPECT_EQ(store_->UnfinishedOf("key").value(), "");
}

TEST_F(ThreatStoreTest, TheNewestNameIsTheOneToShow) {
  Record(Found(1), "key");
  Threat again = Found(2, ThreatStatus::kBlocked);
  again.name = "Trojan:Linux/X";
  again.type = "trojan";
  EXPECT_EQ(Record(again, "key"), IdOf(1));
  EXPECT_EQ(Get(1).name, "Trojan:Linux/X");
  EXPECT_EQ(Get(1).type, "trojan");
}

TEST_F(ThreatStoreTest, AStoreOfVersion1IsReadAndGoesOn) {
  Threat threat = Found(1);
  Record(threat, "key");
  {
    const Database raw = Raw();
    ASSERT_TRUE(raw.Execute("DROP INDEX threats_by_scan; "
                            "ALTER TABLE threats DROP COLUMN isolated_after_ms;"
                            "PRAGMA user_version = 1")
                    .has_value());
  }
  Reopen();
  EXPECT_THAT(store_->notice(), IsEmpty());
  ExpectSame(Get(1), threat);
  Threat after = Found(2, ThreatStatus::kQuarantined);
  after.isolated_in_time.reset();
  after.isolated_after_ms = 7;
  Record(after, "other");
  Reopen();
  ExpectSame(Get(1), threat);
  ExpectSame(Get(2), after);
}

TEST_F(ThreatStoreTest, AnEmptyKeyIsNoKey) {
  Record(Found(1), "");
  EXPECT_EQ(Record(Found(2), ""), IdOf(2));
}

TEST_F(ThreatStoreTest, RecordingAnIdAgainAddsOnlyANewStatus) {
  Record(Found(1), "key");
  EXPECT_EQ(Record(Found(1), "another key"), IdOf(1));
  EXPECT_EQ(Get(1).history.size(), 1U);
  EXPECT_EQ(Record(Found(1, ThreatStatus::kQuarantined), "key"), IdOf(1));
  EXPECT_EQ(Record(Found(1, ThreatStatus::kQuarantined), "key"), IdOf(1));
  EXPECT_EQ(Get(1).history.size(), 2U);
}

TEST_F(ThreatStoreTest, TakesOverWhatWasNotKnownBefore) {
  Threat first = Found(1);
  first.sha256.clear();
  first.isolated_in_time.reset();
  Record(first, "key");
  Threat second = Found(1);
  second.isolated_in_time = false;
  Record(second, "key");
  EXPECT_EQ(Get(1).sha256, second.sha256);
  EXPECT_EQ(Get(1).isolated_in_time, false);
  second.sha256 = std::string(64, 'b');
  second.isolated_in_time.reset();
  Record(second, "key");
  EXPECT_EQ(Get(1).sha256, std::string(64, 'a'));
  EXPECT_EQ(Get(1).isolated_in_time, false);
}

TEST_F(ThreatStoreTest, RefusesAThreatWithoutIdOrHistory) {
  Threat threat = Found(1);
  threat.history.clear();
  EXPECT_FALSE(store_->Record(threat, "key").has_value());
  threat = Found(1);
  threat.id.clear();
  EXPECT_FALSE(store_->Record(threat, "key").has_value());
  EXPECT_THAT(Ids(), IsEmpty());
}

TEST_F(ThreatStoreTest, AddsAStatusOnlyIfItDiffers) {
  Record(Found(1), "key");
  EXPECT_FALSE(AddStatus(1, ThreatStatus::kDetected));
  EXPECT_TRUE(AddStatus(1, ThreatStatus::kQuarantined));
  EXPECT_FALSE(AddStatus(1, ThreatStatus::kQuarantined));
  EXPECT_EQ(Get(1).status(), ThreatStatus::kQuarantined);
  EXPECT_EQ(Get(1).history.size(), 2U);
  EXPECT_EQ(Get(1).history.back().time_ms, 99);
}

TEST_F(ThreatStoreTest, DoesNotFindWhatIsNotThere) {
  const auto threat = store_->Get(IdOf(1));
  ASSERT_FALSE(threat.has_value());
  EXPECT_EQ(threat.error().code, ErrorCode::kNotFound);
  const auto added = store_->AddStatus("", ThreatStatus::kRemoved, 0, "");
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code, ErrorCode::kNotFound);
}

TEST_F(ThreatStoreTest, ListsTheThreatsOfOneOwner) {
  Threat of_root = Found(2);
  of_root.owner_uid = 0;
  Threat of_nobody = Found(3);
  of_nobody.owner_uid = 0xffffffff;
  Record(Found(1), "1");
  Record(of_root, "2");
  Record(of_nobody, "3");
  EXPECT_THAT(Ids(), ElementsAre(IdOf(1), IdOf(2), IdOf(3)));
  EXPECT_THAT(Ids(1000), ElementsAre(IdOf(1)));
  EXPECT_THAT(Ids(0), ElementsAre(IdOf(2)));
  EXPECT_THAT(Ids(0xffffffff), ElementsAre(IdOf(3)));
  EXPECT_THAT(Ids(7), IsEmpty());
}

TEST_F(ThreatStoreTest, FindsThreatsByStatus) {
  Record(Found(1), "1");
  Record(Found(2, ThreatStatus::kBlocked), "2");
  AddStatus(1, ThreatStatus::kBlocked);
  const auto blocked = store_->WithStatus(ThreatStatus::kBlocked);
  ASSERT_TRUE(blocked.has_value());
  EXPECT_EQ(blocked->size(), 2U);
  const auto detected = store_->WithStatus(ThreatStatus::kDetected);
  ASSERT_TRUE(detected.has_value());
  EXPECT_THAT(*detected, IsEmpty());
}

TEST_F(ThreatStoreTest, ForgetsTheOldestThatAreNotInTheVault) {
  Reopen({.items_max = 2});
  Record(Found(1, ThreatStatus::kQuarantined), "1");
  Record(Found(2), "2");
  Record(Found(3), "3");
  EXPECT_EQ(store_->items_purged(), 0U);
  Record(Found(4), "4");
  EXPECT_THAT(Ids(), ElementsAre(IdOf(1), IdOf(3), IdOf(4)));
  EXPECT_EQ(store_->items_purged(), 1U);
  // Its history is gone with it.
  Record(Found(2), "2");
  EXPECT_EQ(Get(2).history.size(), 1U);
  EXPECT_EQ(store_->items_purged(), 2U);
}

TEST_F(ThreatStoreTest, ForgetsNothingOfTheVaultAndNotTheNewest) {
  Reopen({.items_max = 2});
  for (const int number : {1, 2, 3}) {
    Record(Found(number, ThreatStatus::kQuarantined), IdOf(number));
  }
  Record(Found(4), "4");
  EXPECT_THAT(Ids(), ElementsAre(IdOf(1), IdOf(2), IdOf(3), IdOf(4)));
  EXPECT_EQ(store_->items_purged(), 0U);
}

TEST_F(ThreatStoreTest, ForgetsTheMiddleOfALongHistory) {
  Threat threat = Found(1);
  for (size_t i = 1; i < kThreatHistoryMax + 5; ++i) {
    threat.history.push_back(
        {static_cast<int64_t>(i), ThreatStatus::kBlocked, ""});
  }
  Record(threat, "key");
  EXPECT_EQ(Get(1).history.size(), kThreatHistoryMax);
  EXPECT_EQ(Get(1).history.front().status, ThreatStatus::kDetected);
  EXPECT_EQ(Get(1).history[1].time_ms, 6);
  EXPECT_EQ(Get(1).history.back().time_ms,
            static_cast<int64_t>(kThreatHistoryMax + 4));
}

TEST_F(ThreatStoreTest, KeepsExemptions) {
  Exemption one{"key\xff", {}, 0, 10};
  one.sha256.fill(0xfe);
  const Exemption two{"key", {}, 1000, 5};
  ASSERT_TRUE(store_->AddExemption(one).has_value());
  ASSERT_TRUE(store_->AddExemption(two).has_value());
  Reopen();
  EXPECT_THAT(*store_->Exemptions(), ElementsAre(two, one));
  one.uid = 7;
  ASSERT_TRUE(store_->AddExemption(one).has_value());
  EXPECT_THAT(*store_->Exemptions(), ElementsAre(two, one));
  EXPECT_TRUE(*store_->RemoveExemption(one.file_key, one.sha256));
  EXPECT_FALSE(*store_->RemoveExemption(one.file_key, one.sha256));
  EXPECT_THAT(*store_->Exemptions(), ElementsAre(two));
  EXPECT_FALSE(store_->AddExemption(Exemption()).has_value());
}

TEST_F(ThreatStoreTest, ExemptionsHaveALimit) {
  {
    const Database raw = Raw();
    ASSERT_TRUE(raw.Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                            "i + 1 FROM n WHERE i < 10000) INSERT INTO "
                            "exemptions SELECT CAST(i AS BLOB), zeroblob(32), "
                            "0, i FROM n")
                    .has_value());
  }
  Reopen();
  const auto added = store_->AddExemption({"key", {}, 0, 0});
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(store_->Exemptions()->size(), kExemptionsMax);
  EXPECT_TRUE(store_->AddExemption({"1", {}, 5, 0}).has_value());
}

TEST_F(ThreatStoreTest, KeepsScans) {
  ScanRecord scan{"scan", 1000, "custom", "/tmp/\xff", 1,        0,
                  0,      0,    0,        0,           "running"};
  ScanRecord other{"other", 0, "full", "", 2, 0, 0, 0, 0, 0, "running"};
  ASSERT_TRUE(store_->BeginScan(scan).has_value());
  ASSERT_TRUE(store_->BeginScan(other).has_value());
  EXPECT_FALSE(store_->BeginScan(scan).has_value());
  scan.end_ms = 9;
  scan.files_scanned = 10;
  scan.threats = 11;
  scan.not_scanned = 12;
  scan.errors = 13;
  scan.state = "done";
  ASSERT_TRUE(store_->EndScan(scan).has_value());
  Reopen();
  EXPECT_THAT(*store_->Scans(), ElementsAre(scan, other));
  EXPECT_THAT(*store_->Scans(1000), ElementsAre(scan));
  scan.id = "unknown";
  const auto ended = store_->EndScan(scan);
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code, ErrorCode::kNotFound);
}

TEST_F(ThreatStoreTest, ForgetsTheOldestScans) {
  {
    const Database raw = Raw();
    ASSERT_TRUE(raw.Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                            "i + 1 FROM n WHERE i < 1000) INSERT INTO scans "
                            "SELECT i, 'scan ' || i, 0, 'full', x'', i, i, 0, "
                            "0, 0, 0, 'done' FROM n")
                    .has_value());
  }
  Reopen();
  ScanRecord scan;
  scan.id = "newest";
  ASSERT_TRUE(store_->BeginScan(scan).has_value());
  const auto scans = store_->Scans();
  ASSERT_TRUE(scans.has_value());
  EXPECT_EQ(scans->size(), kScansMax);
  EXPECT_EQ(scans->front().id, "scan 2");
  EXPECT_EQ(scans->back().id, "newest");
}

TEST_F(ThreatStoreTest, ForgetsNoScanOfAnotherUserNorOneThatGoesOn) {
  ScanRecord scan;
  scan.id = "of another user";
  scan.uid = 1;
  scan.end_ms = 5;
  ASSERT_TRUE(store_->BeginScan(scan).has_value());
  scan.id = "goes on";
  scan.uid = 0;
  scan.end_ms = 0;
  ASSERT_TRUE(store_->BeginScan(scan).has_value());
  {
    const Database raw = Raw();
    ASSERT_TRUE(raw.Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                            "i + 1 FROM n WHERE i < 1000) INSERT INTO scans "
                            "SELECT i + 10, 'scan ' || i, 0, 'full', x'', i, i,"
                            " 0, 0, 0, 0, 'done' FROM n")
                    .has_value());
  }
  Reopen();
  scan.id = "newest";
  ASSERT_TRUE(store_->BeginScan(scan).has_value());
  const auto scans = store_->Scans();
  ASSERT_TRUE(scans.has_value());
  EXPECT_EQ(scans->size(), kScansMax + 2);
  EXPECT_EQ((*scans)[0].id, "of another user");
  EXPECT_EQ((*scans)[1].id, "goes on");
  // After a crash, nothing goes on.
  EXPECT_EQ(store_->EndOpenScans(77, "Cancelled").value(), 2U);
  EXPECT_EQ((*store_->Scans())[1].state, "Cancelled");
  EXPECT_EQ((*store_->Scans())[1].end_ms, 77);
}

TEST_F(ThreatStoreTest, IsForItsOwnerAloneWhateverTheUmask) {
  store_.reset();
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  const mode_t before = ::umask(0);
  Reopen();
  Record(Found(1), "key");
  (void)::umask(before);
  for (const std::string& name : Files()) {
    struct stat status = {};
    ASSERT_EQ(::stat(directory_.Path(name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
  EXPECT_GE(Files().size(), 2U);
}

TEST_F(ThreatStoreTest, DoesNotFollowALink) {
  store_.reset();
  ASSERT_EQ(::rename(path_.c_str(), directory_.Path("elsewhere").c_str()), 0);
  ASSERT_EQ(::symlink("elsewhere", path_.c_str()), 0);
  EXPECT_FALSE(ThreatStore::Open(directory_.path()).has_value());
}

TEST_F(ThreatStoreTest, MayLieBehindALink) {
  const std::string link = directory_.Path("link");
  ASSERT_EQ(::symlink(directory_.MakeDirectory("real").c_str(), link.c_str()),
            0);
  EXPECT_TRUE(ThreatStore::Open(link).has_value());
}

TEST_F(ThreatStoreTest, FailsWithoutADirectory) {
  const auto opened = ThreatStore::Open(directory_.Path("missing"));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
}

// What one of several threads does to a store: threats of its own, and one
// that all of them find.
void UseStore(ThreatStore& store, int first_number, int rounds) {
  for (int number = first_number; number < first_number + rounds; ++number) {
    const std::string id = IdOf(number);
    EXPECT_TRUE(store.Record(Found(number), id).has_value());
    EXPECT_TRUE(store.Record(Found(1000 + number), "all").has_value());
    EXPECT_TRUE(
        store.AddStatus(id, ThreatStatus::kQuarantined, 0, "").has_value());
    EXPECT_TRUE(store.List(1000).has_value());
    EXPECT_TRUE(store.WithStatus(ThreatStatus::kBlocked).has_value());
    EXPECT_EQ(store.items_purged(), 0U);
  }
}

TEST_F(ThreatStoreTest, CanBeUsedByManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20;
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back(
          [this, thread] { UseStore(*store_, thread * kRounds, kRounds); });
    }
  }
  EXPECT_EQ(Ids().size(), kThreads * kRounds + 1U);
}

}  // namespace
}  // namespace gatehouse
