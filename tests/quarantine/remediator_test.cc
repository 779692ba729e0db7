#include "quarantine/remediator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/active_signatures.h"
#include "tests/becomes_true.h"
#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/watched_file_operations.h"

namespace gatehouse {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// Holds whoever isolates at the first step, until it is opened.
class GatedFileOperations : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;

  void Close() { is_closed_ = true; }
  // For every call, not only for the first step of an isolation.
  void CloseWholly() { is_whole_ = is_closed_ = true; }
  void Open() {
    is_whole_ = is_closed_ = false;
    is_closed_.notify_all();
  }

 protected:
  std::optional<Error> Before(std::string_view call) override {
    if (is_whole_ || call == "Facts") is_closed_.wait(true);
    return std::nullopt;
  }

 private:
  std::atomic<bool> is_whole_{false};
  std::atomic<bool> is_closed_{false};
};

class RemediatorTest : public testing::Test {
 protected:
  void Start(bool isolates = true, size_t pending_max = 16) {
    vault_ = world_.OpenVault(files_);
    auto store = ThreatStore::Open(world_.state(), {});
    ASSERT_TRUE(store.has_value());
    store_ = std::move(*store);
    Result<Unfinished> unfinished = FindUnfinished(*vault_, deny_list_);
    ASSERT_TRUE(unfinished.has_value());
    if (holds_recovery_) files_.CloseWholly();
    Remediator::Parts parts{*vault_, *store_,  deny_list_,  statistics_, {},
                            {},      isolates, pending_max, &rules_};
    auto started = Remediator::Start(parts, signatures_,
                                     std::move(unfinished->isolations));
    ASSERT_TRUE(started.has_value()) << started.error().message;
    remediator_ = std::move(*started);
    if (!holds_recovery_) remediator_->WaitForRecovery();
  }
  void TearDown() override { files_.Open(); }

  Detection Found(const std::string& name, MonotonicTime isolate_by = kNever) {
    Detection detection;
    detection.event.file = ScanFile(world_.Open(name));
    detection.threat_name = "Test.Found";
    detection.isolate_by = isolate_by;
    detection.done = [this](const Threat& threat) {
      const std::lock_guard<std::mutex> lock(mutex_);
      done_.push_back(threat);
    };
    return detection;
  }
  size_t DoneCount() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return done_.size();
  }
  std::vector<Threat> WaitForDone(size_t count) {
    EXPECT_TRUE(BecomesTrue([&] { return DoneCount() >= count; }));
    const std::lock_guard<std::mutex> lock(mutex_);
    return done_;
  }
  std::vector<Threat> Recorded() { return store_->List().value(); }

  IsolationWorld world_;
  LinuxFileOperations linux_files_;
  GatedFileOperations files_{linux_files_};
  DenyList deny_list_;
  const ActiveSignatures signatures_{TestSignatures()};
  RemediatorStatistics statistics_;
  ThreatRules rules_;
  bool holds_recovery_ = false;
  std::mutex mutex_;
  std::vector<Threat> done_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
  std::unique_ptr<Remediator> remediator_;
};

TEST_F(RemediatorTest, IsolatesRecordsAndSaysSo) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  const Threat told = WaitForDone(1).front();
  EXPECT_EQ(told.status(), ThreatStatus::kQuarantined);
  EXPECT_EQ(told.path, world_.PathOf("threat"));
  ASSERT_THAT(Recorded(), SizeIs(1));
  EXPECT_EQ(Recorded().front().id, told.id);
  EXPECT_THAT(world_.InPlace(), IsEmpty());
  EXPECT_TRUE(world_.InVault().contains(told.id));
  EXPECT_EQ(deny_list_.size(), 0U);
  EXPECT_EQ(statistics_.pending, 0U);
}

TEST_F(RemediatorTest, ARuleLeavesAFileWhereItIs) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  for (int i = 0; i < 2; ++i) {
    Detection detection = Found("threat");
    detection.leave_as = {0, ThreatStatus::kAllowed, "its name is allowed"};
    EXPECT_TRUE(remediator_->Submit(std::move(detection), false));
    EXPECT_EQ(WaitForDone(static_cast<size_t>(i) + 1).back().status(),
              ThreatStatus::kAllowed);
  }
  ASSERT_THAT(Recorded(), SizeIs(1));
  EXPECT_THAT(Recorded().front().history, SizeIs(1));
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
  EXPECT_THAT(world_.InVault(), IsEmpty());
  EXPECT_EQ(statistics_.left_alone, 2U);
  EXPECT_EQ(statistics_.not_isolated, 0U);
}

TEST_F(RemediatorTest, AFileThatIsKnownKeepsItsIdInTheVault) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  const Threat before =
      remediator_->RecordInPlace(Found("threat"), ThreatStatus::kDetected, "");
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(1).front().id, before.id);
  ASSERT_THAT(Recorded(), SizeIs(1));
  EXPECT_EQ(Recorded().front().status(), ThreatStatus::kQuarantined);
  EXPECT_TRUE(world_.InVault().contains(before.id));
}

TEST_F(RemediatorTest, WhatIsAllowedMeanwhileStaysUnlessItIsForced) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  const std::string name =
      TestScanner()->Scan(world_.Open("threat").UnsafeFd(), {}).threat_name;
  ThreatRules::Rules rules;
  rules.names[name] = ThreatRules::kNeverExpires;
  rules_.Set(rules);
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(1).back().status(), ThreatStatus::kAllowed);
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
  Detection forced = Found("threat");
  forced.is_forced = true;
  EXPECT_TRUE(remediator_->Submit(std::move(forced), false));
  EXPECT_EQ(WaitForDone(2).back().status(), ThreatStatus::kQuarantined);
  EXPECT_THAT(world_.InPlace(), IsEmpty());
  ASSERT_THAT(Recorded(), SizeIs(1));
}

TEST_F(RemediatorTest, AContentThatIsAllowedMeanwhileStaysAndNoOtherDoes) {
  Start();
  world_.Put("allowed", MaliciousContent(100));
  world_.Put("other", MaliciousContent(101));
  ScanLimits limits;
  limits.wants_sha256 = true;
  const std::string sha256 =
      TestScanner()->Scan(world_.Open("allowed").UnsafeFd(), limits).sha256;
  ASSERT_THAT(sha256, SizeIs(64));
  ThreatRules::Rules rules;
  rules.contents[sha256] = ThreatRules::kNeverExpires;
  rules_.Set(rules);
  EXPECT_TRUE(remediator_->Submit(Found("allowed"), false));
  const Threat told = WaitForDone(1).back();
  EXPECT_EQ(told.status(), ThreatStatus::kAllowed);
  EXPECT_EQ(told.history.back().detail, WhyContentIsAllowed(sha256));
  EXPECT_TRUE(remediator_->Submit(Found("other"), false));
  EXPECT_EQ(WaitForDone(2).back().status(), ThreatStatus::kQuarantined);
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
}

TEST_F(RemediatorTest, AClosedFileHasNoDeadlineButATime) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  Detection detection = Found("threat", MonotonicTime::min());
  detection.closed_at = MonotonicClock::now() - std::chrono::seconds{5};
  EXPECT_TRUE(remediator_->Submit(std::move(detection), false));
  const Threat told = WaitForDone(1).front();
  EXPECT_EQ(told.isolated_in_time, std::nullopt);
  ASSERT_TRUE(told.isolated_after_ms.has_value());
  EXPECT_GE(*told.isolated_after_ms, 5000U);
  EXPECT_EQ(statistics_.isolated_after_close, 1U);
  EXPECT_EQ(statistics_.isolated_late, 0U);
  EXPECT_EQ(Recorded().front().isolated_after_ms, told.isolated_after_ms);
}

TEST_F(RemediatorTest, CountsWhatWasInTimeAndWhatWasLate) {
  Start();
  world_.Put("one", MaliciousContent(100));
  world_.Put("two", MaliciousContent(101));
  EXPECT_TRUE(remediator_->Submit(Found("one", kNever), false));
  EXPECT_TRUE(remediator_->Submit(Found("two", MonotonicTime::min()), false));
  const std::vector<Threat> told = WaitForDone(2);
  EXPECT_EQ(statistics_.isolated_in_time, 1U);
  EXPECT_EQ(statistics_.isolated_late, 1U);
  for (const Threat& threat : told) {
    EXPECT_EQ(threat.isolated_in_time, threat.path == world_.PathOf("one"));
  }
}

TEST_F(RemediatorTest, DeniedAsLongAsItIsInWork) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  files_.Close();
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(deny_list_.Find(world_.Open("threat").UnsafeFd()), "Test.Found");
  EXPECT_EQ(statistics_.pending, 1U);
  files_.Open();
  (void)WaitForDone(1);
  EXPECT_EQ(deny_list_.size(), 0U);
}

TEST_F(RemediatorTest, HitsOnOneFileAreOneIsolation) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  files_.Close();
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  }
  EXPECT_EQ(statistics_.hits, 1U);
  EXPECT_EQ(statistics_.hits_again, 9U);
  files_.Open();
  for (const Threat& threat : WaitForDone(10)) {
    EXPECT_EQ(threat.status(), ThreatStatus::kQuarantined);
    EXPECT_EQ(threat.id, done_.front().id);
  }
  EXPECT_THAT(Recorded(), SizeIs(1));
  EXPECT_THAT(world_.InVault(), SizeIs(1));
}

TEST_F(RemediatorTest, WithoutRoomTheFileStaysAndItIsSaid) {
  Start(true, 1);
  for (int i = 0; i < 8; ++i) {
    world_.Put("threat" + std::to_string(i), MaliciousContent(100));
  }
  files_.Close();
  int refused = 0;
  for (int i = 0; i < 8; ++i) {
    Detection found = Found("threat" + std::to_string(i));
    if (!remediator_->Submit(std::move(found), false)) ++refused;
  }
  // One is queued, and each thread may have taken one.
  EXPECT_GE(refused, 8 - 1 - static_cast<int>(Remediator::kThreads));
  EXPECT_EQ(statistics_.hits_refused, static_cast<uint64_t>(refused));
  EXPECT_EQ(DoneCount(), static_cast<size_t>(refused));
  files_.Open();
  (void)WaitForDone(8);
  EXPECT_THAT(world_.InPlace(), SizeIs(refused));
}

TEST_F(RemediatorTest, WhoMayWaitWaitsForRoom) {
  Start(true, 1);
  for (int i = 0; i < 50; ++i) {
    const std::string name = "threat" + std::to_string(i);
    world_.Put(name, MaliciousContent(100));
    EXPECT_TRUE(remediator_->Submit(Found(name), true));
  }
  (void)WaitForDone(50);
  EXPECT_THAT(world_.InPlace(), IsEmpty());
  EXPECT_THAT(Recorded(), SizeIs(50));
}

TEST_F(RemediatorTest, WithoutQuarantineItIsRecordedAndLeft) {
  Start(false);
  world_.Put("threat", MaliciousContent(100));
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(1).front().status(), ThreatStatus::kBlocked);
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
  EXPECT_EQ(Recorded().front().status(), ThreatStatus::kBlocked);
}

// Whoever waits for "nothing is pending" finds the list complete.
TEST_F(RemediatorTest, TheRecoveryIsPendingUntilItHasEnded) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  WaitForDone(1);
  remediator_.reset();
  store_.reset();
  std::filesystem::remove(world_.state() + "/threats.db");
  holds_recovery_ = true;
  Start();
  EXPECT_EQ(statistics_.pending, 1U);
  EXPECT_THAT(Recorded(), IsEmpty());
  files_.Open();
  EXPECT_TRUE(BecomesTrue([&] { return statistics_.pending == 0; }));
  EXPECT_THAT(Recorded(), SizeIs(1));
}

TEST_F(RemediatorTest, FileInUseGoesWhenItsLastUserDoes) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  UniqueFd writer = world_.Open("threat", O_WRONLY);
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(1).front().status(), ThreatStatus::kQuarantined);
  EXPECT_THAT(world_.InPlace(), IsEmpty());
  EXPECT_EQ(statistics_.captured, 1U);
  EXPECT_THAT(world_.InStage(), testing::Not(IsEmpty()));
  const std::string more = ", changed by its writer";
  EXPECT_EQ(::pwrite(writer.UnsafeFd(), more.data(), more.size(), 100),
            static_cast<ssize_t>(more.size()));
  writer.Reset();
  EXPECT_TRUE(BecomesTrue([&] { return statistics_.captured == 0; }));
  EXPECT_THAT(world_.InStage(), IsEmpty());
  const auto in_vault = world_.InVault();
  ASSERT_THAT(in_vault, SizeIs(1));
  EXPECT_EQ(in_vault.begin()->second, MaliciousContent(100) + more);
}

// By which name one goes on, and which are left.
TEST_F(RemediatorTest, HardLinksAreDeniedUntilTheyAreGone) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  for (const char* link : {"link1", "link2"}) {
    ASSERT_EQ(
        ::link(world_.PathOf("threat").c_str(), world_.PathOf(link).c_str()),
        0);
  }
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(1).back().status(), ThreatStatus::kQuarantined);
  EXPECT_TRUE(BecomesTrue([&] { return remediator_->other_names() == 1; }));
  EXPECT_TRUE(deny_list_.Find(world_.Open("link1").UnsafeFd()));
  EXPECT_TRUE(remediator_->Submit(Found("link1"), false));
  EXPECT_EQ(WaitForDone(2).back().status(), ThreatStatus::kQuarantined);
  EXPECT_THAT(world_.InVault(), SizeIs(2));
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
  // Its owner removes the last one.
  ASSERT_EQ(::unlink(world_.PathOf("link2").c_str()), 0);
  EXPECT_TRUE(BecomesTrue([&] { return remediator_->other_names() == 0; }));
  EXPECT_EQ(deny_list_.size(), 0U);
}

TEST_F(RemediatorTest, ALinkThatIsHarmlessNowIsNotDeniedAnyMore) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  ASSERT_EQ(
      ::link(world_.PathOf("threat").c_str(), world_.PathOf("link").c_str()),
      0);
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(1).back().status(), ThreatStatus::kQuarantined);
  EXPECT_TRUE(BecomesTrue([&] { return remediator_->other_names() == 1; }));
  ASSERT_EQ(::truncate(world_.PathOf("link").c_str(), 0), 0);
  EXPECT_TRUE(remediator_->Submit(Found("link"), false));
  EXPECT_EQ(WaitForDone(2).back().status(), ThreatStatus::kDetected);
  EXPECT_TRUE(BecomesTrue([&] { return deny_list_.size() == 0; }));
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
}

TEST_F(RemediatorTest, WhatWasDeletedIsSealedOnce) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  Detection first = Found("threat");
  Detection second = Found("threat");
  ASSERT_EQ(::unlink(world_.PathOf("threat").c_str()), 0);
  EXPECT_TRUE(remediator_->Submit(std::move(first), false));
  const Threat told = WaitForDone(1).back();
  EXPECT_EQ(told.status(), ThreatStatus::kRemoved);
  EXPECT_EQ(told.path, world_.PathOf("threat"));
  EXPECT_THAT(world_.InVault(), SizeIs(1));
  EXPECT_TRUE(remediator_->Submit(std::move(second), false));
  (void)WaitForDone(2);
  EXPECT_THAT(world_.InVault(), SizeIs(1));
  EXPECT_THAT(Recorded(), SizeIs(1));
  // It stays, whoever reconciles.
  const auto reconciled = Reconcile(*vault_, *store_);
  ASSERT_TRUE(reconciled.has_value());
  EXPECT_EQ(reconciled->removed, 0U);
  EXPECT_THAT(world_.InVault(), SizeIs(1));
}

// A file that was left in its place is remembered, and later isolated: by one
// id, that of its object.
TEST_F(RemediatorTest, TheVaultAndTheHistoryKnowItByOneId) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  const Threat left = remediator_->RecordInPlace(
      Found("threat"), ThreatStatus::kDetected, "left on purpose");
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(1).back().id, left.id);
  EXPECT_TRUE(world_.InVault().contains(left.id));
  ASSERT_THAT(Recorded(), SizeIs(1));
  EXPECT_EQ(Recorded().front().status(), ThreatStatus::kQuarantined);
}

TEST_F(RemediatorTest, StoppedItFinishesWhatItHasTaken) {
  Start();
  for (int i = 0; i < 10; ++i) {
    const std::string name = "threat" + std::to_string(i);
    world_.Put(name, MaliciousContent(100));
    EXPECT_TRUE(remediator_->Submit(Found(name), true));
  }
  remediator_.reset();
  EXPECT_EQ(DoneCount(), 10U);
  EXPECT_THAT(Recorded(), SizeIs(10));
  EXPECT_EQ(world_.InPlace().size() + world_.InVault().size(), 10U);
}

TEST_F(RemediatorTest, LooksAgainAfterAFailure) {
  // No vault in the way: the first isolation cannot be durable.
  class : public WatchedFileOperations {
   public:
    using WatchedFileOperations::WatchedFileOperations;
    std::atomic<bool> is_broken{false};

   protected:
    std::optional<Error> Before(std::string_view call) override {
      if (call != "CreateUnnamed" || !is_broken) return std::nullopt;
      return Error{ErrorCode::kOperational, "injected"};
    }
  } broken(linux_files_);
  vault_ = world_.OpenVault(broken);
  broken.is_broken = true;
  auto store = ThreatStore::Open(world_.state(), {});
  ASSERT_TRUE(store.has_value());
  store_ = std::move(*store);
  auto started = Remediator::Start(
      {*vault_, *store_, deny_list_, statistics_, {}, {}}, signatures_, {});
  ASSERT_TRUE(started.has_value());
  remediator_ = std::move(*started);
  world_.Put("threat", MaliciousContent(100));
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(1).front().status(), ThreatStatus::kQuarantineFailed);
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
  EXPECT_EQ(statistics_.not_isolated, 1U);
  broken.is_broken = false;
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  EXPECT_EQ(WaitForDone(2).back().status(), ThreatStatus::kQuarantined);
  // The same file: one threat with two entries in its history.
  ASSERT_THAT(Recorded(), SizeIs(1));
  EXPECT_THAT(Recorded().front().history, SizeIs(2));
  remediator_.reset();
}

class ReconcileTest : public RemediatorTest {};

TEST_F(ReconcileTest, RecordsWhatOnlyTheVaultKnows) {
  world_.Put("threat", MaliciousContent(100));
  EXPECT_EQ(world_.Isolate(linux_files_, "threat").status,
            ThreatStatus::kQuarantined);
  Start();
  remediator_->WaitForRecovery();
  ASSERT_THAT(Recorded(), SizeIs(1));
  EXPECT_EQ(Recorded().front().status(), ThreatStatus::kQuarantined);
  EXPECT_EQ(Recorded().front().path, world_.PathOf("threat"));
}

TEST_F(ReconcileTest, RemovesObjectsOfWhatWasRestored) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  const std::string id = WaitForDone(1).front().id;
  remediator_.reset();
  // Killed before the object was removed.
  ASSERT_TRUE(store_->AddStatus(id, ThreatStatus::kRestored, 2, "to /x"));
  store_.reset();
  Start();
  remediator_->WaitForRecovery();
  EXPECT_THAT(world_.InVault(), IsEmpty());
  EXPECT_EQ(Recorded().front().status(), ThreatStatus::kRestored);
}

TEST_F(ReconcileTest, SaysSoWhenAnObjectIsGone) {
  Start();
  world_.Put("threat", MaliciousContent(100));
  EXPECT_TRUE(remediator_->Submit(Found("threat"), false));
  const std::string id = WaitForDone(1).front().id;
  remediator_.reset();
  ASSERT_TRUE(vault_->Remove(id));
  store_.reset();
  Start();
  remediator_->WaitForRecovery();
  EXPECT_EQ(Recorded().front().status(), ThreatStatus::kNotFound);
}

}  // namespace
}  // namespace gatehouse
