// What a real client hears of processes. Runs in the initial pid namespace,
// where the kernel tells of them; watches no file system.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/process_events.h"
#include "tests/es_adapter/es_client_fixture.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

constexpr es_event_type_t kFork = ES_EVENT_TYPE_NOTIFY_FORK;
constexpr es_event_type_t kExec = ES_EVENT_TYPE_NOTIFY_EXEC;
constexpr es_event_type_t kExit = ES_EVENT_TYPE_NOTIFY_EXIT;

pid_t PidOf(const es_process_t* process) {
  return audit_token_to_pid(process->audit_token);
}

class EsProcessTest : public testing::Test {
 protected:
  EsProcessTest()
      : client_([this](es_client_t*, const es_message_t* message) {
          while (is_held_.load()) std::this_thread::yield();
          last_number_.store(message->global_seq_num);
          // Others start programs, too.
          const bool is_ours = message->event_type == kFork
                                   ? PidOf(message->process) == ::getpid()
                                   : message->process->ppid == ::getpid();
          if (is_ours || is_of_anybody_.load()) mailbox_.Keep(message);
        }) {}
  ~EsProcessTest() override { mailbox_.ReleaseAll(); }

  // Waits for a message about that process; null if none comes.
  const es_message_t* Await(es_event_type_t type, pid_t pid) {
    const es_message_t* found = nullptr;
    (void)BecomesTrue([&] {
      for (const es_message_t* message : mailbox_.Messages()) {
        const es_process_t* process =
            type == kFork ? message->event.fork.child : message->process;
        if (message->event_type == type && PidOf(process) == pid) {
          found = message;
        }
      }
      return found != nullptr;
    });
    return found;
  }

  std::atomic<bool> is_held_{false};
  std::atomic<bool> is_of_anybody_{false};
  std::atomic<uint64_t> last_number_{0};
  Mailbox mailbox_;
  TestClient client_;
};

TEST_F(EsProcessTest, SaysWhoWasForkedWhatItRunsAndHowItEnded) {
  ASSERT_EQ(client_.Subscribe({kFork, kExec, kExit}), ES_RETURN_SUCCESS);
  // Stops at once, and is there until it is killed.
  Opener sleeper({"/bin/sh", "-c", "kill -STOP $$", "", "an argument"});
  const pid_t pid = sleeper.pid();
  const es_message_t* fork = Await(kFork, pid);
  ASSERT_NE(fork, nullptr);
  EXPECT_EQ(fork->action_type, ES_ACTION_TYPE_NOTIFY);
  EXPECT_EQ(fork->event.fork.child->ppid, ::getpid());
  const es_message_t* exec = Await(kExec, pid);
  ASSERT_NE(exec, nullptr);
  const es_process_t& target = *exec->event.exec.target;
  EXPECT_EQ(PidOf(&target), pid);
  EXPECT_EQ(Text(target.executable->path),
            std::filesystem::canonical("/bin/sh").string());
  EXPECT_NE(target.executable->stat.st_ino, 0U);
  EXPECT_EQ(target.ppid, ::getpid());
  EXPECT_EQ(Text(exec->event.exec.cwd->path),
            std::filesystem::current_path().string());
  std::vector<std::string> arguments;
  for (uint32_t i = 0; i < es_exec_arg_count(&exec->event.exec); ++i) {
    arguments.emplace_back(Text(es_exec_arg(&exec->event.exec, i)));
  }
  EXPECT_THAT(arguments,
              ElementsAre("/bin/sh", "-c", "kill -STOP $$", "", "an argument"));
  EXPECT_EQ(es_exec_arg(&exec->event.exec, 5).length, 0U);
  EXPECT_EQ(esl_message_fd(exec), -1);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  const es_message_t* exit = Await(kExit, pid);
  ASSERT_NE(exit, nullptr);
  EXPECT_EQ(exit->event.exit.stat, SIGKILL);
  EXPECT_LT(fork->global_seq_num, exec->global_seq_num);
  EXPECT_LT(exec->global_seq_num, exit->global_seq_num);
}

TEST_F(EsProcessTest, SaysWithWhichStatusAProcessEnded) {
  ASSERT_EQ(client_.Subscribe({kExit}), ES_RETURN_SUCCESS);
  Opener shell({"/bin/sh", "-c", "exit 7"});
  const pid_t pid = shell.pid();
  // Not reaped before it is looked at.
  const es_message_t* exit = Await(kExit, pid);
  ASSERT_NE(exit, nullptr);
  EXPECT_EQ(exit->event.exit.stat, 7 << 8);
}

TEST_F(EsProcessTest, AProgramInMemoryHasNoName) {
  ASSERT_EQ(client_.Subscribe({kExec}), ES_RETURN_SUCCESS);
  Opener program({"/usr/bin/python3", "-c",
                  "import os\n"
                  "fd = os.memfd_create('program')\n"
                  "os.write(fd, open('/bin/sleep', 'rb').read())\n"
                  "os.execv('/proc/self/fd/%d' % fd, ['sleep', '30'])\n"});
  const pid_t pid = program.pid();
  EXPECT_TRUE(BecomesTrue([&] {
    const es_message_t* exec = Await(kExec, pid);
    return exec != nullptr && Text(exec->event.exec.target->executable->path)
                                  .starts_with("/memfd:program");
  }));
  const es_file_t& file = *Await(kExec, pid)->event.exec.target->executable;
  EXPECT_THAT(std::string(Text(file.path)), StartsWith("/memfd:program"));
  EXPECT_EQ(file.stat.st_nlink, 0U);
  EXPECT_NE(file.stat.st_ino, 0U);
}

TEST_F(EsProcessTest,
       AJudgeOfContentHearsOfAProgramWithoutAskingItsFileSystem) {
  esl_set_detail(client_.get(), ESL_DETAIL_FILE);
  is_of_anybody_.store(true);  // Whose child it is, is not looked up.
  ASSERT_EQ(client_.Subscribe({kExec}), ES_RETURN_SUCCESS);
  Opener sleeper({"/bin/sleep", "30"});
  const es_message_t* exec = Await(kExec, sleeper.pid());
  ASSERT_NE(exec, nullptr);
  const es_file_t& file = *exec->event.exec.target->executable;
  EXPECT_EQ(Text(file.path), std::filesystem::canonical("/bin/sleep").string());
  EXPECT_EQ(file.stat.st_ino, 0U);
  EXPECT_EQ(es_exec_arg_count(&exec->event.exec), 0U);
}

TEST_F(EsProcessTest, WhatTheKernelLostIsCountedAndLeavesAGap) {
  ASSERT_EQ(client_.Subscribe({kFork, kExec, kExit}), ES_RETURN_SUCCESS);
  const int socket =
      client_.journal()->source(SourceKind::kProcesses).fd.load();
  const int small = 1;  // The kernel makes it its minimum.
  ASSERT_EQ(::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
            0);
  is_held_.store(true);
  EXPECT_EQ(
      Opener({"/bin/sh", "-c",
              "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done"})
          .ExitCode(),
      0);
  is_held_.store(false);
  EXPECT_TRUE(
      BecomesTrue([&] { return client_.Statistics().processes_lost >= 1; }));
  // Others start programs, too.
  const int large = 1 << 20;
  ASSERT_EQ(::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large)),
            0);
  Opener sleeper({"/bin/sleep", "30"});
  ASSERT_NE(Await(kExec, sleeper.pid()), nullptr);
  client_.Delete();
  const esl_statistics_t statistics = client_.Statistics();
  // As many numbers as messages and gaps.
  EXPECT_EQ(last_number_.load() + 1,
            statistics.process_events + statistics.processes_lost);
}

// In a pid namespace of its own: does it ever believe that it is told? All in
// a child that has one thread and ends.
[[noreturn]] void AskElsewhere() {
  if (::unshare(CLONE_NEWPID) != 0) ::_exit(2);
  const pid_t inside = ::fork();
  if (inside == 0) {
    for (int i = 0; i < 300; ++i) {
      if (HasProcessEvents()) ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  (void)::waitpid(inside, &status, 0);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
}

TEST(ProcessConnectorTest, TheAnswersOfOthersAreNotItsOwn) {
  ASSERT_TRUE(HasProcessEvents());
  const pid_t child = ::fork();
  if (child == 0) AskElsewhere();
  int status = 0;
  // The kernel answers us all the while.
  while (::waitpid(child, &status, WNOHANG) == 0) (void)HasProcessEvents();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(EsProcessTest, IsSilentWhenNobodyIsSubscribed) {
  ASSERT_EQ(client_.Subscribe({kFork, kExec}), ES_RETURN_SUCCESS);
  ASSERT_EQ(es_unsubscribe(client_.get(), &kFork, 1), ES_RETURN_SUCCESS);
  Opener first({"/bin/sleep", "30"});
  ASSERT_NE(Await(kExec, first.pid()), nullptr);
  ASSERT_EQ(es_unsubscribe_all(client_.get()), ES_RETURN_SUCCESS);
  const size_t before = mailbox_.Messages().size();
  EXPECT_EQ(Opener({"/bin/true"}).ExitCode(), 0);
  EXPECT_EQ(mailbox_.Messages().size(), before);
  // And comes back.
  ASSERT_EQ(client_.Subscribe({kExec}), ES_RETURN_SUCCESS);
  Opener second({"/bin/sleep", "30"});
  EXPECT_NE(Await(kExec, second.pid()), nullptr);
  for (const es_message_t* message : mailbox_.Messages()) {
    EXPECT_EQ(message->event_type, kExec);
  }
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (::getuid() != 0 || !gatehouse::HasProcessEvents()) {
    std::printf("skipped: needs root and the kernel's process connector\n");
    return 77;
  }
  return RUN_ALL_TESTS();
}
