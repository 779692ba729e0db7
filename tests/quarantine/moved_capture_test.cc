// A process dies while a file lies in the directory of its capture, and whoever
// may write to the place has moved that directory: the next process finds it
// all the same, by the handle that was noted before.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/private_mount.h"
#include "tests/quarantine/watched_file_operations.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kKilled = 11;
const char* const kName = "threat";
constexpr std::string_view kInnocent = "an innocent file";

// Dies right after a file was captured. With `exchanges`, the name meant an
// innocent file at that moment.
class DiesAfterTheCapture : public WatchedFileOperations {
 public:
  DiesAfterTheCapture(FileOperations& files, const IsolationWorld& world,
                      bool exchanges)
      : WatchedFileOperations(files), world_(world), exchanges_(exchanges) {}

 protected:
  std::optional<Error> Before(std::string_view call) override {
    if (call == "Rename" && exchanges_) {
      EXPECT_EQ(::renameat2(AT_FDCWD, world_.PathOf(kName).c_str(), AT_FDCWD,
                            world_.PathOf("innocent").c_str(), RENAME_EXCHANGE),
                0);
    }
    return std::nullopt;
  }
  void After(std::string_view call) override {
    if (call == "Rename") ::_exit(kKilled);
  }

 private:
  const IsolationWorld& world_;
  const bool exchanges_;
};

class MovedCaptureTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateMount::IsPossible()) {
      GTEST_SKIP() << "needs root to mount a second file system";
    }
    world_.emplace(IsolationWorld::Mounts::kTwo);
    world_->Put("innocent", kInnocent);
    world_->Put(kName, MaliciousContent(100));
  }

  void DieAfterTheCapture(bool exchanges) {
    const pid_t child = ::fork();
    if (child == 0) {
      LinuxFileOperations linux_files;
      DiesAfterTheCapture files(linux_files, *world_, exchanges);
      (void)world_->Isolate(files, kName);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_EQ(WEXITSTATUS(status), kKilled);
  }

  std::vector<std::string> CaptureDirectories() const {
    std::vector<std::string> found;
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(world_->place())) {
      const std::string name = entry.path().filename();
      if (entry.is_directory() && name != "elsewhere") found.push_back(name);
    }
    return found;
  }

  void MoveTheDirectory() const {
    const std::vector<std::string> found = CaptureDirectories();
    ASSERT_EQ(found.size(), 1U);
    fs::create_directory(world_->PathOf("elsewhere"));
    fs::rename(world_->PathOf(found.front()),
               world_->PathOf("elsewhere/moved"));
  }

  void LoseTheNote() const {
    for (const std::string& name : world_->InStage()) {
      if (!name.ends_with(".d")) continue;
      fs::remove(world_->state() + "/vault/stage/" + name);
    }
  }

  std::optional<IsolationWorld> world_;
};

TEST_F(MovedCaptureTest, TheFileIsFinished) {
  DieAfterTheCapture(false);
  MoveTheDirectory();
  (void)world_->Recover();
  EXPECT_THAT(CaptureDirectories(), IsEmpty());
  fs::remove(world_->PathOf("elsewhere"));
  EXPECT_THAT(world_->Wrongs(kName, MaliciousContent(100),
                             {{"innocent", std::string(kInnocent)}}),
              IsEmpty());
}

// It has one name less than it was seen with, as if its owner had removed it.
TEST_F(MovedCaptureTest, AFileWithOtherNamesIsFinished) {
  fs::create_hard_link(world_->PathOf(kName), world_->PathOf("link"));
  DieAfterTheCapture(false);
  MoveTheDirectory();
  (void)world_->Recover();
  EXPECT_THAT(CaptureDirectories(), IsEmpty());
  EXPECT_EQ(world_->InPlace().count("link"), 1U);
  EXPECT_EQ(world_->InVault().size(), 1U);
  EXPECT_THAT(world_->InStage(), IsEmpty());
}

TEST_F(MovedCaptureTest, SomebodyElsesFileIsPutBack) {
  DieAfterTheCapture(true);
  MoveTheDirectory();
  (void)world_->Recover();
  EXPECT_THAT(CaptureDirectories(), IsEmpty());
  // The malicious file had its name, and was isolated from there.
  const IsolationWorld::Contents left = world_->InPlace();
  EXPECT_THAT(left, ElementsAre(testing::Pair(kName, kInnocent)));
  EXPECT_EQ(world_->InVault().size(), 1U);
  EXPECT_THAT(world_->InStage(), IsEmpty());
}

// The control: it is the note that finds it.
TEST_F(MovedCaptureTest, WithoutTheNoteSomebodyElsesFileStaysCaptured) {
  DieAfterTheCapture(true);
  MoveTheDirectory();
  LoseTheNote();
  (void)world_->Recover();
  EXPECT_THAT(CaptureDirectories(), ElementsAre("moved"));
}

// Somebody mounts something over the place right after the capture.
class CoversThePlace : public WatchedFileOperations {
 public:
  CoversThePlace(FileOperations& files, const IsolationWorld& world)
      : WatchedFileOperations(files), world_(world) {}
  void Uncover() { cover_.reset(); }

 protected:
  void After(std::string_view call) override {
    if (call == "Rename" && !cover_) cover_.emplace(world_.place());
  }

 private:
  const IsolationWorld& world_;
  std::optional<PrivateMount> cover_;
};

TEST_F(MovedCaptureTest, WhatIsMountedOverThePlaceChangesNothing) {
  LinuxFileOperations linux_files;
  CoversThePlace files(linux_files, *world_);
  EXPECT_EQ(world_->Isolate(files, kName).status, ThreatStatus::kQuarantined);
  files.Uncover();
  EXPECT_THAT(CaptureDirectories(), IsEmpty());
  EXPECT_THAT(world_->Wrongs(kName, MaliciousContent(100),
                             {{"innocent", std::string(kInnocent)}}),
              IsEmpty());
}

// Its rmdir was undone by a power cut, and the note's end was not.
TEST_F(MovedCaptureTest, ADirectoryThatCameBackIsRemoved) {
  DieAfterTheCapture(false);
  MoveTheDirectory();
  const fs::path moved = world_->PathOf("elsewhere/moved");
  const fs::path copy = world_->state() + "/vault/stage";
  fs::remove(moved / "captured");
  for (const std::string& name : world_->InStage()) {
    if (name.ends_with(".q")) fs::remove(copy / name);
  }
  (void)world_->Recover();
  EXPECT_THAT(CaptureDirectories(), IsEmpty());
  EXPECT_THAT(world_->InStage(), IsEmpty());
}

// The removal of the file was, too, and its object is published.
TEST_F(MovedCaptureTest, AFileThatCameBackIsRemovedWithIt) {
  DieAfterTheCapture(false);
  const fs::path vault = world_->state() + "/vault";
  for (const std::string& name : world_->InStage()) {
    if (!name.ends_with(".q")) continue;
    fs::rename(vault / "stage" / name, vault / "data" / name);
  }
  (void)world_->Recover();
  EXPECT_THAT(CaptureDirectories(), IsEmpty());
  EXPECT_THAT(world_->Wrongs(kName, MaliciousContent(100),
                             {{"innocent", std::string(kInnocent)}}),
              IsEmpty());
}

}  // namespace
}  // namespace gatehouse
