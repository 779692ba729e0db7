#include "daemon/memory_programs.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "tests/daemon/memory_program.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

// Where a shell starts something in the background, it has no input of ours.
constexpr const char* kForksTwice =
    "exec 3<&0; (read a <&3) & (read b <&3) & wait";

dev_t DeviceOf(const UniqueFd& file) {
  struct stat facts = {};
  EXPECT_EQ(::fstat(file.UnsafeFd(), &facts), 0);
  return facts.st_dev;
}

TEST(RunningProgramTest, SaysWhatAProcessRunsFromMemory) {
  const MemoryProgram program({"/bin/cat"}, "a name");
  const auto found = FindProgram(program.pid());
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->path, "/memfd:a name (deleted)");
  EXPECT_EQ((*found)->device, DeviceOf(program.file()));
  EXPECT_TRUE(IsNamedAsInMemory(program.pid()));
  EXPECT_TRUE(MemoryFileSystems::Find().Contains((*found)->device));
}

TEST(RunningProgramTest, AFileIsNotInMemoryWhateverItIsCalled) {
  const TempDir directory;
  directory.Write("memfd:program (deleted)", "text");
  const UniqueFd file = directory.Open("memfd:program (deleted)");
  EXPECT_FALSE(MemoryFileSystems::Find().Contains(DeviceOf(file)));
  const auto self = FindProgram(::getpid());
  ASSERT_TRUE(self && *self);
  EXPECT_FALSE(MemoryFileSystems::Find().Contains((*self)->device));
  EXPECT_FALSE(IsNamedAsInMemory(::getpid()));
}

TEST(RunningProgramTest, WhoIsOverRunsNothing) {
  MemoryProgram program({"/bin/cat"});
  const pid_t pid = program.pid();
  EXPECT_EQ(program.Finish(), 0);
  const auto found = FindProgram(pid);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->has_value());
}

// Ends its first thread, and goes on in another.
void GoOnWithoutFirstThread() {
  pthread_t thread = {};
  (void)::pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        while (true) (void)::pause();
      },
      nullptr);
  // Of this thread alone; what unwinds would end in the test.
  (void)::syscall(SYS_exit, 0);
}

TEST(RunningProgramTest, SeesAProcessWhoseFirstThreadHasEnded) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    GoOnWithoutFirstThread();
  }
  const std::string link = "/proc/" + std::to_string(pid) + "/exe";
  EXPECT_TRUE(BecomesTrue([&] {
    std::array<char, 8> text = {};
    return ::readlink(link.c_str(), text.data(), text.size()) < 0;
  }));
  const auto found = FindProgram(pid);
  EXPECT_TRUE(found && *found);
  EXPECT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

class MemoryProgramsTest : public testing::Test {
 protected:
  MemoryProgramsTest() { starts_.SetWanted(true); }
  // A verdict on what `program` runs.
  void Conclude(const MemoryProgram& program, const Verdict& verdict) {
    FileEvent event;
    event.file = ScanFile(UniqueFd(::dup(program.file().UnsafeFd())));
    event.pid = program.pid();
    programs_.OnVerdict(std::move(event), verdict, nullptr);
  }
  static Verdict Clean() {
    Verdict verdict;
    verdict.kind = VerdictKind::kClean;
    return verdict;
  }
  // Children of `pid` that it forked and did not exec.
  static size_t ChildrenOf(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/task/" +
                             std::to_string(pid) + "/children";
    std::ifstream file(path);
    size_t count = 0;
    for (pid_t child = 0; file >> child;) ++count;
    return count;
  }

  UniqueFd null_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  LogWriter log_{null_.UnsafeFd()};
  CrashedContentTable table_;
  CrashedContent crashed_{table_};
  UnheldRecord record_;
  MemoryStatistics statistics_;
  StartedPrograms starts_;
  EventQueue queue_{16};
  UnheldFiles files_{queue_, crashed_, record_, 8};
  MemoryPrograms programs_{{starts_, files_, statistics_, log_}};
};

TEST_F(MemoryProgramsTest, HandsAStartedProgramToBeJudged) {
  const MemoryProgram program({"/bin/cat"}, "judged");
  programs_.Start();
  EXPECT_TRUE(starts_.Add(::getpid()));  // None in memory.
  EXPECT_TRUE(starts_.Add(program.pid()));
  std::optional<FileEvent> event;
  // The look at all, which is due as well, finds it too.
  while (!event || event->pid != program.pid()) event = queue_.Pop(true);
  EXPECT_TRUE(UnheldFiles::IsOfRunning(*event));
  EXPECT_EQ(event->unsafe_path, "/memfd:judged (deleted)");
  // Whoever starts it chose the name: no exclusion is asked with it.
  EXPECT_TRUE(event->unsafe_believed_path.empty());
  EXPECT_FALSE(event->ticket.pending());
  event.reset();
  programs_.Stop();
  while (queue_.size() != 0) (void)queue_.Pop(false);
}

TEST_F(MemoryProgramsTest, ALookAtAllFindsWhatNobodyTold) {
  const MemoryProgram program({"/bin/cat"}, "found");
  programs_.Start();
  std::optional<FileEvent> event;
  while (!event || event->pid != program.pid()) event = queue_.Pop(true);
  event.reset();
  programs_.Stop();
  while (queue_.size() != 0) (void)queue_.Pop(false);
  EXPECT_EQ(statistics_.looks.load(), 1U);
}

TEST_F(MemoryProgramsTest, KillsWhoeverRunsIt) {
  MemoryProgram evil({"/bin/cat"}, "evil");
  MemoryProgram other({"/bin/cat"}, "evil");  // Of that name only.
  Conclude(evil, Verdict::Infected("Test.Evil"));
  EXPECT_EQ(evil.Wait(), SIGKILL);
  EXPECT_EQ(other.Finish(), 0);
  EXPECT_EQ(statistics_.processes_killed.load(), 1U);
  EXPECT_EQ(statistics_.processes_left.load(), 0U);
}

TEST_F(MemoryProgramsTest, KillsWhatItForked) {
  MemoryProgram evil({"/bin/sh", "-c", kForksTwice});
  const pid_t pid = evil.pid();
  ASSERT_TRUE(BecomesTrue([&] { return ChildrenOf(pid) == 2; }));
  Conclude(evil, Verdict::Infected("Test.Evil"));
  EXPECT_EQ(evil.Wait(), SIGKILL);
  EXPECT_EQ(statistics_.processes_killed.load(), 3U);
}

TEST_F(MemoryProgramsTest, WhoeverRunsSomethingElseByNowLives) {
  MemoryProgram evil({"/bin/sh", "-c", "read line; exec /bin/cat"});
  evil.Say("go on\n");
  ASSERT_TRUE(BecomesTrue([&] { return !evil.IsRunning(); }));
  Conclude(evil, Verdict::Infected("Test.Evil"));
  EXPECT_EQ(evil.Finish(), 0);
  EXPECT_EQ(statistics_.processes_killed.load(), 0U);
  EXPECT_EQ(statistics_.detections.load(), 1U);
}

TEST_F(MemoryProgramsTest, OnlyAHitKills) {
  MemoryProgram program({"/bin/cat"});
  Conclude(program, Clean());
  Conclude(program, Verdict::NotScanned(NotScannedReason::kTimeLimit));
  Conclude(program, Verdict::FromErrno(EIO));
  EXPECT_EQ(program.Finish(), 0);
  EXPECT_EQ(statistics_.clean.load(), 1U);
  EXPECT_EQ(statistics_.not_scanned
                .at(static_cast<size_t>(NotScannedReason::kTimeLimit))
                .load(),
            1U);
  EXPECT_EQ(statistics_.errors.load(), 1U);
  EXPECT_EQ(statistics_.detections.load(), 0U);
}

TEST_F(MemoryProgramsTest, KillsNobodyWhenProtectionIsOff) {
  MemoryProgram evil({"/bin/cat"});
  starts_.SetWanted(false);
  Conclude(evil, Verdict::Infected("Test.Evil"));
  EXPECT_EQ(evil.Finish(), 0);
  EXPECT_EQ(statistics_.detections.load(), 1U);
}

}  // namespace
}  // namespace gatehouse
