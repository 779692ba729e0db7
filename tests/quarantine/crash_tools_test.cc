// What the tests of kill points stand on: the watcher of system calls, the disk
// whose power is cut, and the oracle, which must be able to say no.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/quarantine/crash_oracle.h"
#include "tests/quarantine/crash_world.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace fs = std::filesystem;

// --- The watcher ------------------------------------------------------------

class Treater : public CallWatcher {
 public:
  Treater(long number, Treatment treatment)
      : number_(number), treatment_(treatment) {}
  Treatment Before(const SystemCall& call) override {
    return call.number == number_ ? treatment_ : Treatment{};
  }

 private:
  const long number_;
  const Treatment treatment_;
};

ProgramEnd RunWith(CrashWorld& world, long number, Treatment treatment) {
  world.Begin(FileKind::kOneByte);
  EXPECT_EQ(world.Drive({"start"}).output, "");
  Treater treater(number, treatment);
  return world.Drive({"start", "--", "isolate", world.threat()}, &treater);
}

TEST(SystemCallRunnerTest, KillsBeforeTheCallIsMade) {
  CrashWorld world({});
  const ProgramEnd end =
      RunWith(world, SYS_renameat2, {Treatment::Kind::kKill});
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_EQ(end.last_call, "renameat2");
  EXPECT_TRUE(fs::exists(world.threat()));
}

TEST(SystemCallRunnerTest, ACallThatFailsIsNotMade) {
  CrashWorld world({});
  const ProgramEnd end =
      RunWith(world, SYS_renameat2, {Treatment::Kind::kFail, EROFS});
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_THAT(end.output, HasSubstr("Read-only file system"));
  EXPECT_TRUE(fs::exists(world.threat()));
}

TEST(SystemCallRunnerTest, ShortTransfersAreGoneOnWith) {
  CrashWorld world({});
  world.Begin(FileKind::kAboveChunk);
  Treater treater(SYS_pwrite64, {Treatment::Kind::kShort});
  const ProgramEnd end =
      world.Drive({"start", "--", "isolate", world.threat()}, &treater);
  EXPECT_EQ(end.last_call, "pwrite64");
  EXPECT_EQ(end.exit_code, 0);
}

// The program of its own and the forked process make the same calls.
TEST(SystemCallRunnerTest, TheDriverAsAProgramDoesTheSame) {
  CrashWorld forked({});
  CrashWorld program({"ext4", false, "quarantine_driver"});
  Treater nothing(-1, {});
  constexpr int64_t kOfMemory = 40;  // brk, mmap and their like.
  uint64_t calls = 0;                // The difference, in the end.
  for (CrashWorld* world : {&forked, &program}) {
    world->Begin(FileKind::kOneByte);
    EXPECT_EQ(world->Drive({"start"}).output, "");
    const ProgramEnd end =
        world->Drive({"start", "--", "isolate", world->threat()}, &nothing);
    EXPECT_THAT(end.output, HasSubstr("quarantined"));
    EXPECT_GT(end.calls, 50U);
    calls = end.calls - calls;
  }
  EXPECT_LE(std::abs(static_cast<int64_t>(calls)), kOfMemory);
}

// --- The disk ---------------------------------------------------------------

class LoopDiskTest : public testing::TestWithParam<std::string> {
 protected:
  LoopDiskTest()
      : folder_(directory_.MakeDirectory("memory")), memory_(folder_) {}

  LoopDisk Make(const std::string& name) {
    Result<LoopDisk> disk = LoopDisk::Make(folder_, name, GetParam());
    EXPECT_TRUE(disk) << disk.error().message;
    return std::move(*disk);
  }
  static void Write(const std::string& path) {
    std::ofstream(path) << "something";
  }

  const TempDir directory_;
  const std::string folder_;
  PrivateMount memory_;
};

TEST_P(LoopDiskTest, ForgetsWhatWasNotFlushed) {
  LoopDisk disk = Make("disk");
  Write(disk.path() + "/flushed");
  ASSERT_TRUE(disk.SyncAll());
  Write(disk.path() + "/in memory");
  ASSERT_TRUE(disk.CutPower(LoopDisk::Cut::kKeepNothing));
  ASSERT_TRUE(disk.MountAgain());
  EXPECT_EQ(fs::file_size(disk.path() + "/flushed"), 9U);
  EXPECT_FALSE(fs::exists(disk.path() + "/in memory"));
}

TEST_P(LoopDiskTest, KeepsNamesWithoutContent) {
  LoopDisk disk = Make("disk");
  Write(disk.path() + "/in memory");
  ASSERT_TRUE(disk.CutPower(LoopDisk::Cut::kKeepNames));
  ASSERT_TRUE(disk.MountAgain());
  EXPECT_EQ(fs::file_size(disk.path() + "/in memory"), 0U);
}

// Never "/" in this test: were the refusal broken, it would be the last one.
TEST_P(LoopDiskTest, RefusesToCutThePowerOfWhatItDidNotMake) {
  LoopDisk disk = Make("disk");
  LoopDisk other = Make("other");
  for (const std::string& path : {other.path(), folder_}) {
    const Result<bool> cut = disk.CutPowerAt(path, LoopDisk::Cut::kKeepNothing);
    ASSERT_FALSE(cut) << path;
    EXPECT_EQ(cut.error().code, ErrorCode::kNotPermitted);
    EXPECT_THAT(cut.error().message, HasSubstr("no power is cut"));
    Write(path + "/still writable");
    EXPECT_EQ(fs::file_size(path + "/still writable"), 9U);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, LoopDiskTest, testing::Values("ext4", "xfs"));

// --- The oracle -------------------------------------------------------------

class CrashOracleTest : public testing::Test {
 protected:
  CrashOracleTest()
      : oracle_(world_, FileKind::kHardLinked, Operation::kIsolate) {
    world_.Begin(FileKind::kHardLinked);
    const auto words = oracle_.Prepare();
    EXPECT_THAT(world_.Drive(words).output, HasSubstr("quarantined"));
    EXPECT_THAT(Wrongs(), IsEmpty());
  }
  std::string Wrongs() const { return oracle_.Wrongs(oracle_.Settle()); }
  fs::path Object() const {
    return fs::directory_iterator(world_.state() + "/vault/data")->path();
  }

  CrashWorld world_{CrashWorld::Options{}};
  CrashOracle oracle_;
};

TEST_F(CrashOracleTest, SeesAFileThatIsLost) {
  fs::remove(Object());
  EXPECT_THAT(Wrongs(), HasSubstr("it is lost"));
}

TEST_F(CrashOracleTest, SeesAFileThatExistsTwice) {
  fs::copy(world_.place() + "/link", world_.threat());
  EXPECT_THAT(Wrongs(), HasSubstr("it exists twice"));
}

TEST_F(CrashOracleTest, SeesAnObjectThatIsDamaged) {
  std::fstream object(Object());
  object.seekp(-1, std::ios::end);
  object.put('?');
  object.close();
  EXPECT_THAT(Wrongs(), HasSubstr("its object"));
}

TEST_F(CrashOracleTest, SeesWhatWasLeft) {
  std::ofstream(world_.state() + "/vault/stage/some.c") << "left";
  fs::create_directory(world_.place() + "/.gatehouse-some");
  EXPECT_THAT(Wrongs(), HasSubstr("'vault/stage/some.c' was left"));
  EXPECT_THAT(Wrongs(), HasSubstr("'.gatehouse-some/' was left"));
}

TEST_F(CrashOracleTest, SeesWhatBecameOfOthers) {
  std::ofstream(world_.place() + "/innocent") << "altered";
  fs::remove(world_.place() + "/link");
  EXPECT_THAT(Wrongs(), HasSubstr("'innocent' was altered"));
  EXPECT_THAT(Wrongs(), HasSubstr("'link' is lost"));
}

}  // namespace
}  // namespace gatehouse
