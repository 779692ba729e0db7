#include "engine/crash_mark.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>

namespace gatehouse {
namespace {

constexpr int kSurvived = 77;

// What outlives the child: as in the journal and the shared state.
struct Words {
  uint32_t scan_mark = kScanMarkNone;
  uint32_t other_scan_mark = kScanMarkNone;
  uint32_t fault_word = kFaultUnknown;
};

class CrashMarkTest : public testing::Test {
 protected:
  CrashMarkTest()
      : words_(*::new (::mmap(nullptr, sizeof(Words), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Words) {}
  void TearDown() override { EXPECT_EQ(::munmap(&words_, sizeof(Words)), 0); }

  // Runs `life` in a child that has the handlers; returns its wait status.
  template <class Life>
  int RunInChild(const Life& life) {
    const pid_t child = ::fork();
    if (child == 0) {
      (void)::prctl(PR_SET_DUMPABLE, 0);  // No core files.
      // A sanitizer's own handlers would end the child another way.
      for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
        (void)::signal(number, SIG_DFL);
      }
      if (!InstallFaultMarks(&words_.fault_word)) ::_exit(1);
      UseFaultStackOnThisThread();
      life();
      ::_exit(kSurvived);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }

  uint32_t Read(uint32_t& word) { return std::atomic_ref(word).load(); }

  Words& words_;
};

void Segfault() {
  void* const forbidden =
      ::mmap(nullptr, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *static_cast<volatile char*>(forbidden) = 1;
}

// As deep as it goes: each call needs the block of the one before.
int Deeper(volatile char* above, int64_t depth) {
  volatile char block[4096] = {};
  block[0] = above == nullptr ? 'x' : above[0];
  if (depth == 0) return block[0];
  return Deeper(block, depth - 1) + block[0];
}

TEST_F(CrashMarkTest, NamesTheScanThatASegmentationFaultHappenedIn) {
  const int status = RunInChild([this] {
    const ScanMarkScope mark(&words_.scan_mark);
    Segfault();
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkFaulted);
  EXPECT_EQ(Read(words_.fault_word), kFaultAttributed);
}

TEST_F(CrashMarkTest, NamesTheScanThatAborted) {
  const int status = RunInChild([this] {
    const ScanMarkScope mark(&words_.scan_mark);
    std::abort();
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkFaulted);
  EXPECT_EQ(Read(words_.fault_word), kFaultAttributed);
}

TEST_F(CrashMarkTest, NamesTheScanThatOverflowedItsStack) {
  const int status = RunInChild([this] {
    const ScanMarkScope mark(&words_.scan_mark);
    ::_exit(Deeper(nullptr, int64_t{1} << 40));
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkFaulted);
  EXPECT_EQ(Read(words_.fault_word), kFaultAttributed);
}

TEST_F(CrashMarkTest, SaysThatAnAbortOutsideOfAScanWasElsewhere) {
  const int status = RunInChild([] { std::abort(); });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkNone);
  EXPECT_EQ(Read(words_.fault_word), kFaultElsewhere);
}

TEST_F(CrashMarkTest, DoesNotBlameTheScanOfAnotherThread) {
  const int status = RunInChild([this] {
    std::atomic<bool> scanning{false};
    const std::jthread scan([&] {
      UseFaultStackOnThisThread();
      const ScanMarkScope mark(&words_.scan_mark);
      scanning.store(true);
      scanning.notify_all();
      (void)::pause();
    });
    scanning.wait(false);
    Segfault();
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkScanning);
  EXPECT_EQ(Read(words_.fault_word), kFaultElsewhere);
}

TEST_F(CrashMarkTest, BlamesOnlyTheScanOfTheFaultingThread) {
  const int status = RunInChild([this] {
    const ScanMarkScope other(&words_.other_scan_mark);
    const std::jthread scan([&] {
      UseFaultStackOnThisThread();
      const ScanMarkScope mark(&words_.scan_mark);
      Segfault();
    });
    (void)::pause();
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkFaulted);
  EXPECT_EQ(Read(words_.other_scan_mark), kScanMarkScanning);
  EXPECT_EQ(Read(words_.fault_word), kFaultAttributed);
}

TEST_F(CrashMarkTest, DoesNotBlameTheScanForASignalFromOutside) {
  const pid_t parent = ::getpid();
  const int status = RunInChild([this, parent] {
    const ScanMarkScope mark(&words_.scan_mark);
    // A sender that is neither this process nor anything in it.
    if (::fork() == 0) {
      (void)::kill(::getppid(), SIGSEGV);
      ::_exit(0);
    }
    while (::getppid() == parent) (void)::pause();
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkScanning);
  EXPECT_EQ(Read(words_.fault_word), kFaultFromOutside);
}

TEST_F(CrashMarkTest, ForgetsAScanThatIsOver) {
  const int status = RunInChild([this] {
    { const ScanMarkScope mark(&words_.scan_mark); }
    Segfault();
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkNone);
  EXPECT_EQ(Read(words_.fault_word), kFaultElsewhere);
}

TEST_F(CrashMarkTest, LeavesNoWordWhenNothingHappens) {
  const int status = RunInChild([] {});
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kSurvived);
  EXPECT_EQ(Read(words_.fault_word), kFaultUnknown);
}

TEST_F(CrashMarkTest, MarksAScanForAsLongAsItRuns) {
  {
    const ScanMarkScope mark(&words_.scan_mark);
    EXPECT_EQ(Read(words_.scan_mark), kScanMarkScanning);
  }
  EXPECT_EQ(Read(words_.scan_mark), kScanMarkNone);
}

TEST_F(CrashMarkTest, AScanWithoutAMarkIsElsewhere) {
  const int status = RunInChild([] {
    const ScanMarkScope mark(nullptr);
    Segfault();
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(Read(words_.fault_word), kFaultElsewhere);
}

}  // namespace
}  // namespace gatehouse
