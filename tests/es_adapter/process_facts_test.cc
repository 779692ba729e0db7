#include "es_adapter/linux/process_facts.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/unique_fd.h"

namespace gatehouse {
namespace {

// Larger than any pid: the kernel's own limit is 4,194,304.
constexpr pid_t kNoSuchPid = 99'999'999;

std::string NameOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  (void)std::getline(file, name);
  return name;
}

// kthreadd is pid 2 where kernel threads can be seen at all.
bool IsKernelThread(pid_t pid) { return NameOf(pid) == "kthreadd"; }

// A child in a session of its own that waits until it is killed.
class Child {
 public:
  explicit Child(const char* name) {
    std::array<int, 2> ends = {-1, -1};
    EXPECT_EQ(::pipe(ends.data()), 0);
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    pid_ = ::fork();
    if (pid_ == 0) {
      (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
      (void)::prctl(PR_SET_NAME, name);
      (void)::setsid();
      (void)!::write(write_end.UnsafeFd(), "x", 1);
      while (true) (void)::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(read_end.UnsafeFd(), &byte, 1), 1);
  }
  ~Child() {
    (void)::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

void ExpectChildOfOurs(const ProcessFacts& facts, pid_t pid) {
  EXPECT_EQ(audit_token_to_pid(facts.token), pid);
  EXPECT_EQ(facts.parent_pid, ::getpid());
  EXPECT_EQ(facts.group_id, pid);
  EXPECT_EQ(facts.session_id, pid);
  EXPECT_NE(facts.token.val[7], 0U);
}

TEST(ProcessFactsTest, KnowsWhatWeKnowAboutOurselves) {
  const ProcessFacts facts = ReadProcessFacts(::getpid());
  EXPECT_EQ(facts.parent_pid, ::getppid());
  EXPECT_EQ(facts.group_id, ::getpgid(0));
  EXPECT_EQ(facts.session_id, ::getsid(0));
  EXPECT_EQ(audit_token_to_pid(facts.token), ::getpid());
  EXPECT_EQ(audit_token_to_ruid(facts.token), ::getuid());
  EXPECT_EQ(audit_token_to_euid(facts.token), ::geteuid());
  EXPECT_EQ(audit_token_to_rgid(facts.token), ::getgid());
  EXPECT_EQ(audit_token_to_egid(facts.token), ::getegid());
  EXPECT_EQ(facts.token.val[0], ::getuid());
  EXPECT_EQ(facts.token.val[6], static_cast<unsigned int>(::getsid(0)));
  EXPECT_NE(audit_token_to_pidversion(facts.token), 0);
}

TEST(ProcessFactsTest, StartTimesGrowFromParentToChild) {
  const Child child("child");
  const timeval ours = ReadProcessFacts(::getpid()).start_time;
  const timeval its = ReadProcessFacts(child.pid()).start_time;
  EXPECT_GT(ours.tv_sec, 0);
  EXPECT_LT(ours.tv_usec, 1'000'000);
  EXPECT_EQ(ours.tv_usec % 10'000, 0);  // Clock ticks.
  EXPECT_TRUE(timercmp(&ours, &its, <=));
}

TEST(ProcessFactsTest, IsNotFooledByTheNameOfAProcess) {
  for (const char* name : {") x (", ") Z 1 1 1 1", "(", "))))", " ", "a b"}) {
    const Child child(name);
    ASSERT_EQ(NameOf(child.pid()), name);
    SCOPED_TRACE(name);
    ExpectChildOfOurs(ReadProcessFacts(child.pid()), child.pid());
  }
}

TEST(ProcessFactsTest, IsNotFooledByANewlineInTheName) {
  const Child child("x\nUid:\t7\t7");
  const ProcessFacts facts = ReadProcessFacts(child.pid());
  ExpectChildOfOurs(facts, child.pid());
  EXPECT_EQ(audit_token_to_ruid(facts.token), ::getuid());
  EXPECT_EQ(audit_token_to_euid(facts.token), ::geteuid());
}

TEST(ProcessFactsTest, KnowsNothingAboutPidZero) {
  const ProcessFacts facts = ReadProcessFacts(0);
  EXPECT_EQ(facts.parent_pid, 0);
  EXPECT_EQ(facts.group_id, 0);
  EXPECT_EQ(facts.session_id, 0);
  EXPECT_EQ(facts.start_time.tv_sec, 0);
  for (const unsigned int value : facts.token.val) EXPECT_EQ(value, 0U);
}

TEST(ProcessFactsTest, KnowsOnlyThePidOfAProcessThatIsGone) {
  const ProcessFacts facts = ReadProcessFacts(kNoSuchPid);
  EXPECT_EQ(audit_token_to_pid(facts.token), kNoSuchPid);
  EXPECT_EQ(facts.parent_pid, 0);
  EXPECT_EQ(facts.session_id, 0);
  EXPECT_EQ(facts.token.val[7], 0U);
}

TEST(ProcessFactsTest, ReadsAKernelThread) {
  // In a pid namespace there is none to be seen.
  const pid_t pid = IsKernelThread(2) ? 2 : kNoSuchPid;
  const ProcessFacts facts = ReadProcessFacts(pid);
  EXPECT_EQ(audit_token_to_pid(facts.token), pid);
  EXPECT_EQ(facts.parent_pid, 0);
  EXPECT_EQ(facts.group_id, 0);
  EXPECT_EQ(facts.session_id, 0);
  EXPECT_EQ(audit_token_to_ruid(facts.token), 0U);
}

TEST(ReadLinkTest, ReadsWhereALinkPointsTo) {
  std::array<char, 4096> buffer = {};
  const size_t length = ReadLink("/proc/self/exe", buffer);
  const std::string expected =
      std::filesystem::read_symlink("/proc/self/exe").string();
  EXPECT_EQ(std::string(buffer.data(), length), expected);
  EXPECT_EQ(buffer.at(length), '\0');
}

TEST(ReadLinkTest, CutsWhatDoesNotFit) {
  std::array<char, 4> buffer = {'x', 'x', 'x', 'x'};
  EXPECT_EQ(ReadLink("/proc/self/exe", buffer), 3U);
  EXPECT_EQ(buffer.at(3), '\0');
  EXPECT_EQ(buffer.at(0), '/');
}

TEST(ReadLinkTest, SaysNothingAboutWhatIsNoLink) {
  std::array<char, 8> buffer = {'x'};
  EXPECT_EQ(ReadLink("/", buffer), 0U);
  EXPECT_EQ(buffer.at(0), '\0');
  EXPECT_EQ(ReadLink("/proc/self/no-such-link", buffer), 0U);
}

}  // namespace
}  // namespace gatehouse
