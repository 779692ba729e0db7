// Kills a process at every step of an isolation, and lets the next one recover.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/watched_file_operations.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Mounts = IsolationWorld::Mounts;

constexpr int kFinished = 10;
constexpr int kKilled = 11;
// More calls than any isolation makes.
constexpr int kCallsMax = 200;

enum class When : uint8_t { kBefore, kAfter };

// Killed before a call that only looks is killed after the one before it.
bool Changes(std::string_view call) {
  constexpr std::array<std::string_view, 10> kLooks = {"OpenStateDirectory",
                                                       "OpenDirectory",
                                                       "Read",
                                                       "NextData",
                                                       "PathOf",
                                                       "Facts",
                                                       "Identity",
                                                       "IdentityIn",
                                                       "Duplicate",
                                                       "List"};
  return std::find(kLooks.begin(), kLooks.end(), call) == kLooks.end();
}

// Ends the process at its n-th call that may change something, without any
// clean-up.
class KilledFileOperations : public WatchedFileOperations {
 public:
  KilledFileOperations(FileOperations& files, int call, When when)
      : WatchedFileOperations(files), call_(call), when_(when) {}

 protected:
  std::optional<Error> Before(std::string_view call) override {
    if (!Changes(call)) return std::nullopt;
    if (++calls_ == call_ && when_ == When::kBefore) ::_exit(kKilled);
    return std::nullopt;
  }
  void After(std::string_view call) override {
    if (!Changes(call)) return;
    if (calls_ == call_ && when_ == When::kAfter) ::_exit(kKilled);
  }

 private:
  const int call_;
  const When when_;
  int calls_ = 0;
};

// Never makes an object, and says that it did.
class LosingFileOperations : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;

  Result<bool> Link(int /*fd*/, int /*directory*/,
                    const std::string& /*name*/) override {
    return true;
  }
};

// Runs `work` in a process of its own; how it ended.
template <class Work>
int InChild(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(testing::Test::HasFailure() ? 1 : kFinished);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

struct Case {
  std::string_view name;
  Mounts mounts = Mounts::kOne;
  std::string content;
  // Done to the file before it is isolated.
  void (*prepare)(const IsolationWorld& world) = [](const IsolationWorld&) {};
  bool is_being_written = false;
  std::string_view other_name = {};  // Of the same file.
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

constexpr size_t kChunkAndOne = (size_t{64} << 10) + 1;
const char* const kName = "threat";
constexpr std::string_view kLateText = ", and a late one";

void MakeImmutable(const IsolationWorld& world) {
  (void)SetInodeFlags(world.PathOf(kName), FS_IMMUTABLE_FL);
}

void AddHardLink(const IsolationWorld& world) {
  EXPECT_EQ(::link(world.PathOf(kName).c_str(), world.PathOf("link").c_str()),
            0);
}

class IsolatorKillTest : public testing::TestWithParam<Case> {};

// What one process leaves and what the next one makes of it.
class Trial {
 public:
  Trial(IsolationWorld& world, const Case& one) : world_(world), case_(one) {
    world_.Clear();
    others_["innocent"] = "an innocent file";
    world_.Put("innocent", others_["innocent"]);
    world_.Put(kName, case_.content);
    if (!case_.other_name.empty()) {
      others_[std::string(case_.other_name)] = case_.content;
    }
    case_.prepare(world_);
    if (case_.is_being_written) {
      writer_ = world_.Open(kName, O_WRONLY | O_APPEND);
    }
  }

  int IsolateUntilKilled(int call, When when) {
    return InChild([&] {
      LinuxFileOperations linux_files;
      KilledFileOperations files(linux_files, call, when);
      const Isolation isolation = world_.Isolate(files, kName);
      EXPECT_EQ(isolation.status, ThreatStatus::kQuarantined);
      EXPECT_EQ(isolation.captured.has_value(), case_.is_being_written);
    });
  }

  // The writer ends while nobody looks after the file.
  void Recover() {
    std::string content = case_.content;
    if (writer_.valid()) {
      content += kLateText;
      EXPECT_EQ(::write(writer_.UnsafeFd(), kLateText.data(), kLateText.size()),
                static_cast<ssize_t>(kLateText.size()));
    }
    (void)world_.Recover(std::move(writer_));
    EXPECT_THAT(world_.Wrongs(kName, content, others_), IsEmpty());
    const auto in_place = world_.InPlace();
    const auto in_vault = world_.InVault();
    EXPECT_THAT(world_.Recover(), IsEmpty());
    EXPECT_EQ(world_.InPlace(), in_place);
    EXPECT_EQ(world_.InVault(), in_vault);
  }

 private:
  IsolationWorld& world_;
  const Case& case_;
  IsolationWorld::Contents others_;
  UniqueFd writer_;
};

TEST_P(IsolatorKillTest, TheFileExistsOnceWheneverTheProcessDies) {
  const Case& one = GetParam();
  if (one.mounts == Mounts::kTwo && !PrivateMount::IsPossible()) {
    GTEST_SKIP() << "needs root to mount a second file system";
  }
  IsolationWorld world(one.mounts);
  for (const When when : {When::kBefore, When::kAfter}) {
    int ended = kKilled;
    for (int call = 1; ended == kKilled; ++call) {
      SCOPED_TRACE("call " + std::to_string(call));
      ASSERT_LT(call, kCallsMax);
      Trial trial(world, one);
      ended = trial.IsolateUntilKilled(call, when);
      trial.Recover();
      if (HasFailure()) return;
    }
    EXPECT_EQ(ended, kFinished);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, IsolatorKillTest,
    testing::Values(
        Case{"Tiny", Mounts::kOne, std::string(kTinyThreat)},
        Case{"TinyElsewhere", Mounts::kTwo, std::string(kTinyThreat)},
        Case{"TwoChunks", Mounts::kOne, MaliciousContent(kChunkAndOne)},
        Case{"TwoChunksElsewhere", Mounts::kTwo,
             MaliciousContent(kChunkAndOne)},
        Case{"OnDisk", Mounts::kDisk, MaliciousContent(kChunkAndOne)},
        Case{"Linked", Mounts::kOne, MaliciousContent(100), AddHardLink, false,
             "link"},
        Case{"LinkedElsewhere", Mounts::kTwo, MaliciousContent(100),
             AddHardLink, false, "link"},
        Case{"Immutable", Mounts::kOne, MaliciousContent(100), MakeImmutable},
        Case{"ImmutableElsewhere", Mounts::kTwo, MaliciousContent(100),
             MakeImmutable},
        Case{"Written", Mounts::kOne, MaliciousContent(100),
             [](const IsolationWorld&) {}, true},
        Case{"WrittenElsewhere", Mounts::kTwo, MaliciousContent(100),
             [](const IsolationWorld&) {}, true}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(RecoveryKillTest, ARecoveryThatIsKilledTooCanBeRepeated) {
  IsolationWorld world;
  const Case one{"", Mounts::kOne, MaliciousContent(100)};
  for (int call = 1; call < kCallsMax; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    int ended = kKilled;
    for (int again = 1; ended == kKilled; ++again) {
      SCOPED_TRACE("call " + std::to_string(again) + " of the recovery");
      Trial trial(world, one);
      if (trial.IsolateUntilKilled(call, When::kBefore) == kFinished) return;
      ended = InChild([&] {
        LinuxFileOperations linux_files;
        KilledFileOperations files(linux_files, again, When::kBefore);
        (void)world.RecoverWith(files);
      });
      trial.Recover();
      if (HasFailure()) return;
    }
  }
  FAIL() << "the isolation never ended";
}

// Nobody else will think of the file: hits on it are taken for this one.
TEST(RecoveryKillTest, WhatWasBegunIsFinishedThoughTheRecoveryIsKilled) {
  IsolationWorld world;
  const Case one{"", Mounts::kOne, MaliciousContent(100)};
  for (int call = 1; call < kCallsMax; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    int ended = kKilled;
    for (int again = 1; ended == kKilled; ++again) {
      SCOPED_TRACE("call " + std::to_string(again) + " of the recovery");
      Trial trial(world, one);
      if (trial.IsolateUntilKilled(call, When::kBefore) == kFinished) return;
      const bool is_begun = !world.InStage().empty();
      ended = InChild([&] {
        LinuxFileOperations linux_files;
        KilledFileOperations files(linux_files, again, When::kBefore);
        (void)world.RecoverWith(files);
      });
      trial.Recover();
      if (is_begun) {
        EXPECT_FALSE(world.InPlace().contains(kName));
      }
      if (HasFailure()) return;
    }
  }
  FAIL() << "the isolation never ended";
}

// An immutable file is made mutable before its capture.
TEST(RecoveryKillTest, WhatADeadProcessTookFromAFileIsNotForgotten) {
  IsolationWorld world;
  const Case one{"", Mounts::kOne, MaliciousContent(100), MakeImmutable};
  int ended = kKilled;
  for (int call = 1; ended == kKilled && call < kCallsMax; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    Trial trial(world, one);
    LinuxFileOperations files;
    const auto before = files.Facts(world.Open(kName).UnsafeFd());
    ended = trial.IsolateUntilKilled(call, When::kBefore);
    trial.Recover();
    const auto vault = world.OpenVault(files);
    const auto ids = vault->PublishedIds();
    for (const std::string& id : *ids) {
      EXPECT_EQ(vault->Header(id)->file.inode_flags, before->inode_flags);
    }
    if (HasFailure()) return;
  }
}

// Ends the process before the first call of one kind that follows another.
class EndedBetween : public WatchedFileOperations {
 public:
  EndedBetween(FileOperations& files, std::string_view one,
               std::string_view next)
      : WatchedFileOperations(files), one_(one), next_(next) {}

 protected:
  std::optional<Error> Before(std::string_view call) override {
    if (is_one_done_ && call == next_) ::_exit(kKilled);
    is_one_done_ = is_one_done_ || call == one_;
    return std::nullopt;
  }

 private:
  const std::string_view one_;
  const std::string_view next_;
  bool is_one_done_ = false;
};

class Listed : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;
  const std::vector<std::string>& calls() const { return calls_; }

 protected:
  std::optional<Error> Before(std::string_view call) override {
    calls_.emplace_back(call);
    return std::nullopt;
  }

 private:
  std::vector<std::string> calls_;
};

// That the name is gone is known to the memory of the kernel only: a power cut
// after the object is published would bring it back, beside the object.
TEST(RecoveryKillTest, TheNameIsGoneForGoodBeforeTheObjectIsPublished) {
  IsolationWorld world;
  world.Put(kName, MaliciousContent(100));
  LinuxFileOperations linux_files;
  const int ended = InChild([&] {
    EndedBetween files(linux_files, "Unlink", "Sync");
    (void)world.Isolate(files, kName);
  });
  ASSERT_EQ(ended, kKilled);
  ASSERT_THAT(world.InStage(), testing::SizeIs(1));
  Listed files(linux_files);
  (void)world.RecoverWith(files);
  const auto& calls = files.calls();
  const auto published = std::find(calls.rbegin(), calls.rend(), "Rename");
  ASSERT_NE(published, calls.rend());
  EXPECT_NE(std::find(published, calls.rend(), "Sync"), calls.rend());
}

// The control: the question above has teeth.
TEST(KillControlTest, AnIsolationWithoutADurableCopyIsSeenToLoseTheFile) {
  IsolationWorld world;
  world.Put(kName, MaliciousContent(100));
  LinuxFileOperations linux_files;
  LosingFileOperations files(linux_files);
  (void)world.Isolate(files, kName);
  (void)world.Recover();
  EXPECT_THAT(world.Wrongs(kName, MaliciousContent(100), {}),
              HasSubstr("the file is lost"));
}

}  // namespace
}  // namespace gatehouse
