#include "quarantine/restorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/watched_file_operations.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const char* const kName = "threat";
constexpr uint32_t kUser = 1234;

// This thread may not do that for a while.
class WithoutCapability {
 public:
  explicit WithoutCapability(unsigned int capability) : bit_(1U << capability) {
    Change([this](uint32_t& effective) { effective &= ~bit_; });
  }
  ~WithoutCapability() {
    Change([this](uint32_t& effective) { effective |= bit_; });
  }
  WithoutCapability(const WithoutCapability&) = delete;
  WithoutCapability& operator=(const WithoutCapability&) = delete;

 private:
  static void Change(const std::function<void(uint32_t&)>& change) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data = {};
    EXPECT_EQ(::syscall(SYS_capget, &header, data.data()), 0);
    change(data[0].effective);
    EXPECT_EQ(::syscall(SYS_capset, &header, data.data()), 0);
  }
  const uint32_t bit_;
};

class RestorerTest : public testing::Test {
 protected:
  RestorerTest() {
    world_.Put(kName, content_);
    EXPECT_EQ(::chmod(world_.PathOf(kName).c_str(), 04751), 0);
    const timespec times[2] = {{1'000'000'000, 5}, {1'100'000'000, 7}};
    EXPECT_EQ(::utimensat(AT_FDCWD, world_.PathOf(kName).c_str(), times, 0), 0);
    EXPECT_EQ(::mkdir(out_.c_str(), 0700), 0);
    vault_ = world_.OpenVault(files_);
    auto store = ThreatStore::Open(world_.state(), {});
    EXPECT_TRUE(store.has_value());
    store_ = std::move(*store);
    IsolateIt();
  }

  void IsolateIt() {
    Isolator isolator(*vault_, TestScanner());
    const UniqueFd file = world_.Open(kName);
    const Isolation isolation =
        isolator.Isolate({file.UnsafeFd(), "Test.Found", ""});
    EXPECT_EQ(isolation.status, ThreatStatus::kQuarantined);
    id_ = isolation.header.id;
    Threat threat = ThreatOf(isolation.header);
    threat.history.push_back({1, ThreatStatus::kQuarantined, ""});
    EXPECT_TRUE(store_->Record(threat, id_).has_value());
  }
  void MakeAndIsolate(
      const std::function<void(const std::string& path)>& prepare) {
    world_.Put(kName, content_);
    prepare(world_.PathOf(kName));
    IsolateIt();
  }
  void IsolateAgain() {
    MakeAndIsolate([](const std::string&) {});
  }

  UniqueFd OpenPath(const std::string& path) const {
    return UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  }
  Result<std::string> Restore(UniqueFd destination) {
    Result<RestoredFile> restored =
        restorer().Restore(id_, std::move(destination), {.uid = kUser});
    if (!restored) return Unexpected(restored.error());
    return std::move(restored->path);
  }
  Restorer& restorer() {
    if (!restorer_)
      restorer_.emplace(Restorer::Parts{*vault_, *store_, exempt_});
    return *restorer_;
  }
  std::string Recovered(Exemptions& exemptions) {
    Restorer next({*vault_, *store_, exemptions});
    std::string problems;
    for (const Error& problem : next.Recover()) problems += problem.message;
    return problems;
  }
  ThreatStatus StatusNow() { return store_->Get(id_)->history.back().status; }

  IsolationWorld world_;
  LinuxFileOperations files_;
  Exemptions exempt_{files_};
  const std::string out_ = world_.state() + "/../out";
  const std::string content_ = MaliciousContent(100'000);
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<ThreatStore> store_;
  std::optional<Restorer> restorer_;
  std::string id_;
};

TEST_F(RestorerTest, GivesTheFileBackAsItWas) {
  const auto path = Restore(OpenPath(out_));
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_THAT(*path, testing::EndsWith("/out/threat"));
  const UniqueFd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(ReadAll(file.UnsafeFd()), content_);
  struct stat facts = {};
  ASSERT_EQ(::fstat(file.UnsafeFd(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0751U) << "no set-id bits";
  EXPECT_EQ(facts.st_mtim.tv_sec, 1'100'000'000);
  EXPECT_EQ(facts.st_mtim.tv_nsec, 7);
  EXPECT_EQ(StatusNow(), ThreatStatus::kRestored);
  EXPECT_THAT(world_.InVault(), IsEmpty());
}

TEST_F(RestorerTest, WithoutADestinationGoesBackToItsPlace) {
  ASSERT_TRUE(Restore(UniqueFd()));
  EXPECT_EQ(world_.InPlace().at(kName), content_);
}

TEST_F(RestorerTest, OverwritesNothing) {
  world_.Put(kName, "the user's new file");
  const auto done = Restore(UniqueFd());
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("nothing is overwritten"));
  EXPECT_EQ(world_.InPlace().at(kName), "the user's new file");
  EXPECT_THAT(world_.InVault(), SizeIs(1));
  EXPECT_EQ(StatusNow(), ThreatStatus::kQuarantined);
}

TEST_F(RestorerTest, DoesNotFollowALinkOfItsName) {
  const std::string victim = out_ + "/victim";
  EXPECT_EQ(::symlink(victim.c_str(), world_.PathOf(kName).c_str()), 0);
  EXPECT_FALSE(Restore(UniqueFd()));
  EXPECT_FALSE(std::filesystem::exists(victim));
}

// Whoever may rename things around the directory must not choose where root
// writes.
TEST_F(RestorerTest, AnotherDirectoryOfThatNameIsNotWrittenTo) {
  const std::string moved = world_.place() + ".moved";
  EXPECT_EQ(::rename(world_.place().c_str(), moved.c_str()), 0);
  EXPECT_EQ(::mkdir(world_.place().c_str(), 0777), 0);
  const auto done = Restore(UniqueFd());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(world_.place()));
  EXPECT_THAT(world_.InVault(), SizeIs(1));
}

TEST_F(RestorerTest, LinkOnTheWayToItsDirectoryIsNotFollowed) {
  const std::string moved = world_.place() + ".moved";
  EXPECT_EQ(::rename(world_.place().c_str(), moved.c_str()), 0);
  EXPECT_EQ(::symlink(moved.c_str(), world_.place().c_str()), 0);
  EXPECT_FALSE(Restore(UniqueFd()));
  EXPECT_TRUE(std::filesystem::is_empty(moved));
}

TEST_F(RestorerTest, DestinationMustBeADirectory) {
  world_.Put("file", "x");
  const auto done = Restore(OpenPath(world_.PathOf("file")));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kInvalidInput);
}

TEST_F(RestorerTest, OnlyWhatWasRestoredIsExempt) {
  const auto path = Restore(OpenPath(out_));
  ASSERT_TRUE(path);
  const UniqueFd file(::open(path->c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(exempt_.Covers(file.UnsafeFd()));
  world_.Put("copy", content_);
  EXPECT_FALSE(exempt_.Covers(world_.Open("copy").UnsafeFd()));
  // Of the same size, which the time of a fast machine need not tell apart.
  EXPECT_EQ(::pwrite(file.UnsafeFd(), "!", 1, 50), 1);
  EXPECT_FALSE(exempt_.Covers(file.UnsafeFd()));
}

TEST_F(RestorerTest, ExemptionOutlivesTheProcess) {
  const auto path = Restore(OpenPath(out_));
  ASSERT_TRUE(path);
  restorer_.reset();
  store_.reset();
  auto store = ThreatStore::Open(world_.state(), {});
  ASSERT_TRUE(store);
  const auto remembered = (*store)->Exemptions();
  ASSERT_TRUE(remembered);
  ASSERT_THAT(*remembered, SizeIs(1));
  Exemptions exempt(files_);
  exempt.Add(remembered->front().file_key, remembered->front().sha256);
  const UniqueFd file(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(exempt.Covers(file.UnsafeFd()));
  EXPECT_EQ(remembered->front().uid, kUser);
}

// Once it is told to die after so many calls, it is dead after them: nothing it
// does has an effect.
class DyingFileOperations : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;
  void DieAfter(int calls) { calls_ = calls; }
  bool is_dead() const { return calls_ && *calls_ < 0; }

 protected:
  std::optional<Error> Before(std::string_view /*call*/) override {
    if (!calls_ || --*calls_ >= 0) return std::nullopt;
    return Error{ErrorCode::kOperational, "the process is dead", EIO};
  }

 private:
  std::optional<int> calls_;
};

TEST_F(RestorerTest, KilledAnywhereTheFileIsInOnePlaceAfterTheNextStart) {
  int in_vault = 0;
  int given_back = 0;
  for (int calls = 0;; ++calls) {
    SCOPED_TRACE(calls);
    ASSERT_LT(calls, 1000);
    DyingFileOperations dying(files_);
    std::unique_ptr<Vault> vault = world_.OpenVault(dying);
    dying.DieAfter(calls);
    Exemptions exempt(dying);
    (void)Restorer({*vault, *store_, exempt})
        .Restore(id_, OpenPath(out_), {.uid = kUser});
    if (!dying.is_dead()) break;
    EXPECT_EQ(Recovered(exempt_), "");
    EXPECT_EQ(Recovered(exempt_), "") << "twice is once";
    EXPECT_THAT(world_.InStage(), IsEmpty());
    const std::string path = out_ + "/" + kName;
    if (!std::filesystem::exists(path)) {
      ++in_vault;
      EXPECT_THAT(world_.InVault(), SizeIs(1));
      EXPECT_THAT(*store_->Exemptions(), IsEmpty());
      continue;
    }
    ++given_back;
    EXPECT_THAT(world_.InVault(), IsEmpty());
    EXPECT_EQ(StatusNow(), ThreatStatus::kRestored);
    ASSERT_THAT(*store_->Exemptions(), SizeIs(1));
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(ReadAll(file.UnsafeFd()), content_);
    const Exemption exemption = store_->Exemptions()->front();
    Exemptions after(files_);
    after.Add(exemption.file_key, exemption.sha256);
    EXPECT_TRUE(after.Covers(file.UnsafeFd()));
    // Once more from the start.
    ASSERT_TRUE(std::filesystem::remove(path));
    ASSERT_TRUE(store_->RemoveExemption(exemption.file_key, exemption.sha256));
    IsolateAgain();
  }
  EXPECT_GT(in_vault, 10);
  EXPECT_GT(given_back, 3);
}

// Somebody else's set-id program must not become root's.
TEST_F(RestorerTest, WithoutItsOwnerAFileGetsNoPrivileges) {
  if (!PrivateMount::IsPossible()) GTEST_SKIP() << "needs root to lose rights";
  MakeAndIsolate([](const std::string& path) {
    EXPECT_EQ(::chown(path.c_str(), kUser, kUser), 0);
    EXPECT_EQ(::chmod(path.c_str(), 04755), 0);
  });
  Result<RestoredFile> restored = Fail(ErrorCode::kOperational, "");
  {
    const WithoutCapability dropped(CAP_CHOWN);
    restored = restorer().Restore(id_, OpenPath(out_),
                                  {.uid = kUser, .preserve_privileges = true});
  }
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(restored->not_given_back,
              testing::UnorderedElementsAre("owner", "mode"));
  struct stat facts = {};
  ASSERT_EQ(::stat(restored->path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0755U);
  EXPECT_THAT(store_->Get(id_)->history.back().detail,
              HasSubstr("not given back: owner, mode"));
}

TEST_F(RestorerTest, FailureLeavesNoExemption) {
  world_.Put(kName, "the user's new file");
  EXPECT_FALSE(Restore(UniqueFd()));
  EXPECT_THAT(*store_->Exemptions(), IsEmpty());
  EXPECT_EQ(exempt_.size(), 0U);
  EXPECT_THAT(world_.InStage(), IsEmpty());
}

TEST_F(RestorerTest, SecondTimeItIsNotThere) {
  ASSERT_TRUE(Restore(OpenPath(out_)));
  EXPECT_EQ(Restore(OpenPath(out_)).error().code, ErrorCode::kNotFound);
}

// The flush of the new name fails once.
class NameIsNotFlushed : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;
  const std::vector<std::string>& calls() const { return calls_; }

 protected:
  std::optional<Error> Before(std::string_view call) override {
    calls_.emplace_back(call);
    if (call == "Link") ++links_;
    constexpr int kLinks = 2;  // Of the note, and of the file.
    if (call != "Sync" || links_ != kLinks) return std::nullopt;
    links_ = 0;
    return SystemError("sync", EIO);
  }

 private:
  int links_ = 0;
  std::vector<std::string> calls_;
};

// It has a name by then, which may be known to memory only.
TEST_F(RestorerTest, WhatWasRestoredIsFlushedBeforeItsObjectGoes) {
  NameIsNotFlushed files(files_);
  vault_ = world_.OpenVault(files);
  EXPECT_FALSE(Restore(UniqueFd()));
  EXPECT_EQ(world_.InPlace().at(kName), content_);
  EXPECT_THAT(world_.InVault(), SizeIs(1));
  const auto before = static_cast<ptrdiff_t>(files.calls().size());
  EXPECT_THAT(Recovered(exempt_), IsEmpty());
  EXPECT_THAT(world_.InVault(), IsEmpty());
  EXPECT_EQ(StatusNow(), ThreatStatus::kRestored);
  const auto& calls = files.calls();
  const auto removed = std::find(calls.begin() + before, calls.end(), "Unlink");
  ASSERT_NE(removed, calls.end());
  EXPECT_NE(std::find(calls.begin() + before, removed, "Sync"), removed);
}

TEST_F(RestorerTest, WhatWasBegunIsFinishedAndNotDoneTwice) {
  NameIsNotFlushed files(files_);
  vault_ = world_.OpenVault(files);
  EXPECT_FALSE(Restore(UniqueFd()));
  EXPECT_EQ(Restore(OpenPath(out_)).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(world_.InPlace().at(kName), content_);
  EXPECT_TRUE(std::filesystem::is_empty(out_));
  EXPECT_THAT(world_.InVault(), IsEmpty());
  EXPECT_THAT(world_.InStage(), IsEmpty());
}

TEST_F(RestorerTest, RemovedForGood) {
  ASSERT_TRUE(restorer().Remove(id_));
  EXPECT_EQ(StatusNow(), ThreatStatus::kRemoved);
  EXPECT_THAT(world_.InVault(), IsEmpty());
  EXPECT_EQ(restorer().Remove(id_).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace gatehouse
