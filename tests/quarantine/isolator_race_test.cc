// Somebody who may write to the directory does his worst between the steps of
// an isolation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/watched_file_operations.h"

namespace gatehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const char* const kName = "threat";

// Lets `act` happen just before each call of that name, `times` times.
class RacingFileOperations : public WatchedFileOperations {
 public:
  RacingFileOperations(FileOperations& files, std::string_view call,
                       std::function<void()> act, int times = 1, int skip = 0)
      : WatchedFileOperations(files),
        call_(call),
        act_(std::move(act)),
        times_(times),
        skip_(skip) {}

  int acted() const { return acted_; }

 protected:
  std::optional<Error> Before(std::string_view call) override {
    if (call != call_ || acted_ == times_) return std::nullopt;
    if (skip_-- > 0) return std::nullopt;
    ++acted_;
    act_();
    return std::nullopt;
  }

 private:
  const std::string_view call_;
  const std::function<void()> act_;
  const int times_;
  int skip_;
  int acted_ = 0;
};

// Takes every file for the one that was meant.
class TrustingFileOperations : public RacingFileOperations {
 public:
  using RacingFileOperations::RacingFileOperations;

  void set_meant(const FileFacts& meant) { meant_ = meant; }
  Result<FileFacts> IdentityIn(int directory,
                               const std::string& name) override {
    const Result<FileFacts> found =
        RacingFileOperations::IdentityIn(directory, name);
    return found && acted() > 0 ? Result<FileFacts>(meant_) : found;
  }

 private:
  FileFacts meant_;
};

class IsolatorRaceTest : public testing::Test {
 protected:
  IsolatorRaceTest() {
    world_.Put("innocent", "an innocent file");
    world_.Put(kName, content_);
  }

  void Move(const std::string& from, const std::string& to) const {
    EXPECT_EQ(::rename(world_.PathOf(from).c_str(), world_.PathOf(to).c_str()),
              0);
  }
  // The innocent file gets the name of the malicious one, and the other way.
  // False while one of them has no name.
  bool Swap() const {
    return ::renameat2(AT_FDCWD, world_.PathOf(kName).c_str(), AT_FDCWD,
                       world_.PathOf("innocent").c_str(), RENAME_EXCHANGE) == 0;
  }
  void Overwrite(const std::string& name, std::string_view content) const {
    const UniqueFd fd = world_.Open(name, O_WRONLY | O_TRUNC);
    EXPECT_EQ(::write(fd.UnsafeFd(), content.data(), content.size()),
              static_cast<ssize_t>(content.size()));
  }
  Isolation IsolateWith(FileOperations& files) const {
    return world_.Isolate(files, kName);
  }
  void ExpectVaultHolds(const std::string& content) {
    EXPECT_THAT(world_.InVault(), ElementsAre(Pair(testing::_, content)));
    EXPECT_THAT(world_.InStage(), IsEmpty());
  }
  void ExpectVaultIsEmpty() {
    EXPECT_THAT(world_.InVault(), IsEmpty());
    EXPECT_THAT(world_.InStage(), IsEmpty());
  }

  IsolationWorld world_;
  LinuxFileOperations linux_files_;
  const std::string content_ = MaliciousContent(100);
};

TEST_F(IsolatorRaceTest, NamesSwappedBeforeTheCapture) {
  RacingFileOperations files(linux_files_, "Rename",
                             [&] { EXPECT_TRUE(Swap()); });
  EXPECT_EQ(IsolateWith(files).status, ThreatStatus::kQuarantined);
  EXPECT_THAT(world_.InPlace(), ElementsAre(Pair(kName, "an innocent file")));
  ExpectVaultHolds(content_);
}

// The control: without the verification after the capture, it is the innocent
// file that goes.
TEST_F(IsolatorRaceTest, WithoutVerificationAnInnocentFileIsLost) {
  TrustingFileOperations files(linux_files_, "Rename",
                               [&] { EXPECT_TRUE(Swap()); });
  files.set_meant(*linux_files_.Facts(world_.Open(kName).UnsafeFd()));
  (void)IsolateWith(files);
  EXPECT_THAT(world_.InPlace(), ElementsAre(Pair("innocent", content_)));
}

TEST_F(IsolatorRaceTest, NamesSwappedForEver) {
  RacingFileOperations files(
      linux_files_, "Rename", [&] { (void)Swap(); }, 10'000);
  const Isolation isolation = IsolateWith(files);
  EXPECT_GT(files.acted(), 1);
  if (isolation.status == ThreatStatus::kQuarantined) {
    ExpectVaultHolds(content_);
    EXPECT_THAT(world_.InPlace(), SizeIs(1));
    return;
  }
  ExpectVaultIsEmpty();
  std::vector<std::string> contents;
  for (const auto& [name, bytes] : world_.InPlace()) contents.push_back(bytes);
  EXPECT_THAT(contents, UnorderedElementsAre("an innocent file", content_));
}

TEST_F(IsolatorRaceTest, NameTakenBeforeTheUndo) {
  const std::string third = "a third file";
  int renames = 0;
  RacingFileOperations files(
      linux_files_, "Rename",
      [&] {
        ++renames;
        if (renames == 1) {
          EXPECT_TRUE(Swap());
        } else {
          world_.Put(kName, third);
        }
      },
      2);
  EXPECT_EQ(IsolateWith(files).status, ThreatStatus::kQuarantined);
  const auto in_place = world_.InPlace();
  ASSERT_THAT(in_place, SizeIs(2));
  EXPECT_EQ(in_place.at(kName), third);
  const auto& [name, bytes] = *std::next(in_place.find(kName));
  EXPECT_THAT(name, testing::StartsWith("threat.restored-"));
  EXPECT_EQ(bytes, "an innocent file");
  ExpectVaultHolds(content_);
}

TEST_F(IsolatorRaceTest, FileMovedBeforeTheCapture) {
  EXPECT_EQ(::mkdir(world_.PathOf("sub").c_str(), 0755), 0);
  RacingFileOperations files(linux_files_, "Rename",
                             [&] { Move(kName, "sub/moved"); });
  EXPECT_EQ(IsolateWith(files).status, ThreatStatus::kQuarantined);
  EXPECT_TRUE(std::filesystem::is_empty(world_.PathOf("sub")));
  ExpectVaultHolds(content_);
}

TEST_F(IsolatorRaceTest, FileDeletedBeforeTheCapture) {
  RacingFileOperations files(linux_files_, "Rename", [&] {
    EXPECT_EQ(::unlink(world_.PathOf(kName).c_str()), 0);
  });
  const Isolation isolation = IsolateWith(files);
  EXPECT_EQ(isolation.status, ThreatStatus::kRemoved);
  EXPECT_TRUE(WasDeleted(isolation.header));
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
  ExpectVaultHolds(content_);
}

TEST_F(IsolatorRaceTest, SymbolicLinkInItsPlaceIsNotFollowed) {
  RacingFileOperations files(linux_files_, "Rename", [&] {
    Move(kName, "moved");
    EXPECT_EQ(::symlink("innocent", world_.PathOf(kName).c_str()), 0);
  });
  EXPECT_EQ(IsolateWith(files).status, ThreatStatus::kQuarantined);
  EXPECT_THAT(world_.InPlace(),
              ElementsAre(Pair("innocent", "an innocent file")));
  EXPECT_EQ(std::filesystem::read_symlink(world_.PathOf(kName)), "innocent");
  ExpectVaultHolds(content_);
}

TEST_F(IsolatorRaceTest, MadeHarmlessAfterItWasSealed) {
  RacingFileOperations files(linux_files_, "Rename",
                             [&] { Overwrite(kName, "harmless now"); });
  EXPECT_EQ(IsolateWith(files).status, ThreatStatus::kDetected);
  EXPECT_EQ(world_.InPlace().at(kName), "harmless now");
  ExpectVaultIsEmpty();
}

TEST_F(IsolatorRaceTest, ChangedAfterItWasSealed) {
  const std::string changed = MaliciousContent(5000);
  RacingFileOperations files(linux_files_, "Rename",
                             [&] { Overwrite(kName, changed); });
  EXPECT_EQ(IsolateWith(files).status, ThreatStatus::kQuarantined);
  EXPECT_THAT(world_.InPlace(), SizeIs(1));
  ExpectVaultHolds(changed);
}

TEST_F(IsolatorRaceTest, AnotherHardLinkKeepsTheFile) {
  EXPECT_EQ(::link(world_.PathOf(kName).c_str(), world_.PathOf("link").c_str()),
            0);
  EXPECT_EQ(IsolateWith(linux_files_).status, ThreatStatus::kQuarantined);
  EXPECT_EQ(world_.InPlace().at("link"), content_);
  EXPECT_FALSE(world_.InPlace().contains(kName));
  ExpectVaultHolds(content_);
}

TEST_F(IsolatorRaceTest, CleanFileIsNotTaken) {
  Overwrite(kName, "harmless");
  EXPECT_EQ(IsolateWith(linux_files_).status, ThreatStatus::kDetected);
  EXPECT_THAT(world_.InPlace(), SizeIs(2));
  ExpectVaultIsEmpty();
}

class CaptureDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateMount::IsPossible()) {
      GTEST_SKIP() << "needs root to mount a second file system";
    }
    world_.emplace(IsolationWorld::Mounts::kTwo);
    world_->Put(kName, MaliciousContent(100));
  }

  std::optional<IsolationWorld> world_;
  LinuxFileOperations linux_files_;
};

// The vault is elsewhere: the capture happens in a directory of the parent.
TEST_F(CaptureDirectoryTest, ExchangedForAnotherOneItIsRefused) {
  std::string made;
  RacingFileOperations files(
      linux_files_, "OpenDirectoryIn",
      [&] {
        for (const auto& entry :
             std::filesystem::directory_iterator(world_->place())) {
          if (entry.is_directory()) made = entry.path();
        }
        if (made.empty()) return;  // The vault's own directories.
        std::filesystem::remove(made);
        EXPECT_EQ(::mkdir(made.c_str(), 0777), 0);
        EXPECT_EQ(::chmod(made.c_str(), 0777), 0);
      },
      100);
  const Isolation isolation = world_->Isolate(files, kName);
  EXPECT_FALSE(made.empty());
  EXPECT_EQ(isolation.status, ThreatStatus::kQuarantineFailed);
  EXPECT_EQ(world_->InPlace().at(kName), MaliciousContent(100));
  EXPECT_THAT(world_->InVault(), IsEmpty());
}

TEST_F(CaptureDirectoryTest, NothingIsLeftOfIt) {
  EXPECT_EQ(world_->Isolate(linux_files_, kName).status,
            ThreatStatus::kQuarantined);
  EXPECT_TRUE(std::filesystem::is_empty(world_->place()));
}

}  // namespace
}  // namespace gatehouse
