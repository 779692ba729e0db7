// An attacker owns the directory that files are restored to, and runs freely
// on another processor: nothing is overwritten, nothing gets elsewhere.
//
// GATEHOUSE_TEST_RESTORES says how many restores; see docs/long-runs.md.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "quarantine/restorer.h"
#include "tests/quarantine/attacker.h"
#include "tests/quarantine/isolation_world.h"
#include "tests/quarantine/watched_file_operations.h"

namespace gatehouse {
namespace {

constexpr uint64_t kRestores = 10'000;
constexpr uint64_t kControlRestores = 1000;
constexpr uint64_t kRestoresBetweenJudgements = 50;
constexpr int kLooks = 20;
constexpr size_t kCreated = 0;
constexpr size_t kOverwritten = 1;
constexpr size_t kMovedAside = 2;
const char* const kThreat = "threat";

uint64_t Restores() {
  const char* const text = std::getenv("GATEHOUSE_TEST_RESTORES");
  return text == nullptr ? kRestores : std::strtoull(text, nullptr, 10);
}

// The control: a name that is taken is taken over.
class LinksReplacing : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;
  Result<bool> Link(int fd, int directory, const std::string& name) override {
    if (name != kThreat) {
      return WatchedFileOperations::Link(fd, directory, name);
    }
    const std::string beside = "beside";
    Result<bool> linked = WatchedFileOperations::Link(fd, directory, beside);
    if (linked && ::renameat(directory, beside.c_str(), directory, kThreat)) {
      return FailSystem("replace", errno);
    }
    return linked;
  }
};

// The control: paths are followed, and every directory is the right one.
class PathsFollowed : public WatchedFileOperations {
 public:
  using WatchedFileOperations::WatchedFileOperations;
  Result<UniqueFd> OpenDirectory(const std::string& path) override {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.valid()) return fd;
    return FailSystem("open", errno);
  }
  Result<FileFacts> Identity(int fd) override {
    Result<FileFacts> facts = WatchedFileOperations::Identity(fd);
    if (facts && S_ISDIR(facts->mode)) facts->handle = handle;
    return facts;
  }
  std::string handle;
};

struct Tally {
  uint64_t restored = 0;
  uint64_t name_taken = 0;
  uint64_t elsewhere_refused = 0;
  uint64_t lost = 0;
  uint64_t overwritten = 0;
  uint64_t outside = 0;
};

class RestoreRaceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!PrivateMount::IsPossible()) {
      GTEST_SKIP() << "needs root to give rights up";
    }
    LeaveAProcessorToTheAttacker();
    world_.emplace();
    auto store = ThreatStore::Open(world_->state(), {});
    ASSERT_TRUE(store.has_value());
    store_ = std::move(*store);
    const UniqueFd place(
        ::open(world_->place().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    attacked_ = Make(Attacker::kUser, place.UnsafeFd(), "attacked");
    foreign_ = Make(0, place.UnsafeFd(), "foreign");
    dir_ = Make(Attacker::kUser, attacked_.UnsafeFd(), "dir");
    other_ = Make(Attacker::kUser, attacked_.UnsafeFd(), "other");
    ASSERT_EQ(::symlinkat("../foreign", attacked_.UnsafeFd(), "link"), 0);
    attacker_ = std::make_unique<Attacker>(TurnOf());
  }

  static UniqueFd Make(uid_t owner, int parent, const char* name) {
    EXPECT_EQ(::mkdirat(parent, name, 0755), 0) << name;
    UniqueFd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_EQ(::fchown(fd.UnsafeFd(), owner, owner), 0);
    return fd;
  }
  static ino_t InodeOf(int directory, mode_t* mode = nullptr) {
    struct stat facts = {};
    if (::fstatat(directory, kThreat, &facts, AT_SYMLINK_NOFOLLOW) != 0) {
      return 0;
    }
    if (mode != nullptr) *mode = facts.st_mode;
    return facts.st_ino;
  }

  // The name is a file of his, then a link to a place that he may not write
  // to, then free; the directory's name a link, or another directory.
  Attacker::Turn TurnOf() const {
    const int attacked = attacked_.UnsafeFd();
    const int dir = dir_.UnsafeFd();
    uint64_t turn = 0;
    return [=](Attacker::Counts& counts) mutable {
      ++turn;
      CreateAndLook(dir, counts);
      if (::symlinkat("../../foreign/planted", dir, kThreat) == 0) {
        (void)::unlinkat(dir, kThreat, 0);
      }
      (void)::renameat2(attacked, "dir", attacked,
                        turn % 8 < 4 ? "link" : "other", RENAME_EXCHANGE);
      MoveAside(dir, counts[kMovedAside]);
    };
  }
  static void CreateAndLook(int dir, Attacker::Counts& counts) {
    const UniqueFd fd(
        ::openat(dir, kThreat, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd.valid()) return;
    struct stat mine = {};
    (void)::fstat(fd.UnsafeFd(), &mine);
    counts[kCreated].fetch_add(1);
    for (int i = 0; i < kLooks; ++i) {
      if (InodeOf(dir) == mine.st_ino) continue;
      counts[kOverwritten].fetch_add(1);
      return;
    }
    (void)::unlinkat(dir, kThreat, 0);
  }
  static void MoveAside(int dir, std::atomic<uint64_t>& moved) {
    mode_t mode = 0;
    if (InodeOf(dir, &mode) == 0 || !S_ISREG(mode)) return;
    const std::string name = "aside-" + std::to_string(moved.fetch_add(1));
    (void)::renameat2(dir, kThreat, dir, name.c_str(), RENAME_NOREPLACE);
  }

  std::string PutIntoVault(Vault& vault) {
    static uint64_t number = 0;
    const UniqueFd fd(
        ::openat(dir_.UnsafeFd(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644));
    EXPECT_EQ(::write(fd.UnsafeFd(), content_.data(), content_.size()),
              static_cast<ssize_t>(content_.size()));
    const Result<FileFacts> parent = files_.Identity(dir_.UnsafeFd());
    ObjectHeader header;
    header.id = "object-" + std::to_string(++number);
    header.file = *files_.Facts(fd.UnsafeFd());
    header.file.nlink = 1;
    header.parent_path = world_->place() + "/attacked/dir";
    header.path = header.parent_path + "/" + kThreat;
    header.parent_handle = parent->handle;
    header.parent_handle_type = parent->handle_type;
    EXPECT_TRUE(vault.Stage(header, fd.UnsafeFd()).has_value());
    EXPECT_TRUE(vault.Publish(header.id).has_value());
    return header.id;
  }

  Tally Run(FileOperations& files, uint64_t restores) {
    const std::unique_ptr<Vault> vault = world_->OpenVault(files);
    Exemptions exempt(files);
    Restorer restorer({*vault, *store_, exempt});
    Tally tally;
    std::string id;
    attacker_->Go();
    for (uint64_t i = 0; i < restores; ++i) {
      if (id.empty()) id = PutIntoVault(*vault);
      UniqueFd destination;
      if (i % 4 == 0) destination = UniqueFd(::dup(dir_.UnsafeFd()));
      const auto restored = restorer.Restore(id, std::move(destination), {});
      if (restored) {
        ++tally.restored;
        id.clear();
      } else {
        const bool is_taken =
            restored.error().message.find("exists") != std::string::npos;
        ++(is_taken ? tally.name_taken : tally.elsewhere_refused);
        if (!vault->Contains(id)) ++tally.lost;
      }
      if (i % kRestoresBetweenJudgements == 0 || i + 1 == restores) {
        attacker_->Pause();
        Judge(tally);
        if (i + 1 != restores) attacker_->Go();
      }
    }
    std::printf(
        "restored %lu, name taken %lu, elsewhere refused %lu, lost %lu, "
        "overwritten %lu, outside %lu, turns of the attacker %lu\n",
        tally.restored, tally.name_taken, tally.elsewhere_refused, tally.lost,
        tally.overwritten, tally.outside, attacker_->turns());
    return tally;
  }

  // Each restored file is in the directory, once; then it goes.
  void Judge(Tally& tally) {
    tally.overwritten += attacker_->TakeCount(kOverwritten);
    for (const int fd : {foreign_.UnsafeFd(), other_.UnsafeFd()}) {
      const Result<std::vector<std::string>> names = files_.List(fd);
      for (const std::string& name : *names) {
        ++tally.outside;
        EXPECT_EQ(::unlinkat(fd, name.c_str(), 0), 0);
      }
    }
    uint64_t found = 0;
    const Result<std::vector<std::string>> names = files_.List(dir_.UnsafeFd());
    for (const std::string& name : *names) {
      const UniqueFd file(::openat(dir_.UnsafeFd(), name.c_str(),
                                   O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      if (file.valid() && ReadAll(file.UnsafeFd()) == content_) ++found;
      EXPECT_EQ(::unlinkat(dir_.UnsafeFd(), name.c_str(), 0), 0);
    }
    if (found != tally.restored - judged_) {
      tally.lost += tally.restored - judged_ - found;
    }
    judged_ = tally.restored;
    const Result<std::vector<Exemption>> exempt = store_->Exemptions();
    for (const Exemption& one : *exempt) {
      EXPECT_TRUE(store_->RemoveExemption(one.file_key, one.sha256));
    }
  }

  const std::string content_ = MaliciousContent(100);
  LinuxFileOperations files_;
  std::optional<IsolationWorld> world_;
  std::unique_ptr<ThreatStore> store_;
  UniqueFd attacked_;
  UniqueFd dir_;
  UniqueFd other_;
  UniqueFd foreign_;
  uint64_t judged_ = 0;
  std::unique_ptr<Attacker> attacker_;
};

TEST_F(RestoreRaceTest, NothingIsOverwrittenAndNothingGetsElsewhere) {
  const Tally tally = Run(files_, Restores());
  EXPECT_EQ(tally.lost, 0U);
  EXPECT_EQ(tally.overwritten, 0U);
  EXPECT_EQ(tally.outside, 0U);
  // Else it would prove nothing.
  EXPECT_GT(tally.restored, 0U);
  EXPECT_GT(tally.name_taken, 0U);
  EXPECT_GT(tally.elsewhere_refused, 0U);
}

TEST_F(RestoreRaceTest, ALinkThatReplacesOverwrites) {
  LinksReplacing files(files_);
  EXPECT_GT(Run(files, kControlRestores).overwritten, 0U);
}

TEST_F(RestoreRaceTest, APathThatIsFollowedLeadsElsewhere) {
  PathsFollowed files(files_);
  files.handle = files_.Identity(dir_.UnsafeFd())->handle;
  EXPECT_GT(Run(files, kControlRestores).outside, 0U);
}

}  // namespace
}  // namespace gatehouse
