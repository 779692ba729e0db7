#include "tests/quarantine/system_call_runner.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>
#include <utility>

#include "base/unique_fd.h"
#include "tests/quarantine/driver_part.h"

namespace gatehouse {
namespace {

// A part that never ends is a bug of the program: it tries again for ever.
constexpr uint64_t kCallsMax = 200000;
constexpr int kCallStop = SIGTRAP | 0x80;  // PTRACE_O_TRACESYSGOOD.

const std::map<long, const char*>& FileCalls() {
  static const std::map<long, const char*> calls = {
      {SYS_read, "read"},
      {SYS_write, "write"},
      {SYS_pread64, "pread64"},
      {SYS_pwrite64, "pwrite64"},
      {SYS_open, "open"},
      {SYS_openat, "openat"},
      {SYS_openat2, "openat2"},
      {SYS_open_by_handle_at, "open_by_handle_at"},
      {SYS_name_to_handle_at, "name_to_handle_at"},
      {SYS_stat, "stat"},
      {SYS_lstat, "lstat"},
      {SYS_fstat, "fstat"},
      {SYS_newfstatat, "newfstatat"},
      {SYS_statx, "statx"},
      {SYS_statfs, "statfs"},
      {SYS_fstatfs, "fstatfs"},
      {SYS_lseek, "lseek"},
      {SYS_fsync, "fsync"},
      {SYS_fdatasync, "fdatasync"},
      {SYS_ftruncate, "ftruncate"},
      {SYS_fallocate, "fallocate"},
      {SYS_mkdir, "mkdir"},
      {SYS_mkdirat, "mkdirat"},
      {SYS_rmdir, "rmdir"},
      {SYS_unlink, "unlink"},
      {SYS_unlinkat, "unlinkat"},
      {SYS_rename, "rename"},
      {SYS_renameat, "renameat"},
      {SYS_renameat2, "renameat2"},
      {SYS_link, "link"},
      {SYS_linkat, "linkat"},
      {SYS_readlink, "readlink"},
      {SYS_readlinkat, "readlinkat"},
      {SYS_getdents64, "getdents64"},
      {SYS_ioctl, "ioctl"},
      {SYS_fcntl, "fcntl"},
      {SYS_fchmod, "fchmod"},
      {SYS_fchown, "fchown"},
      {SYS_fgetxattr, "fgetxattr"},
      {SYS_fsetxattr, "fsetxattr"},
      {SYS_flistxattr, "flistxattr"},
      {SYS_utimensat, "utimensat"},
      {SYS_access, "access"}};
  return calls;
}

void Become(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  (void)::execv(arguments[0], arguments.data());
  ::_exit(127);
}

// In the new process: its watcher comes to it while it is stopped.
void Begin(int output, bool is_watched) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0) {
    ::_exit(126);
  }
  if (!is_watched) return;
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
  (void)::raise(SIGSTOP);
}

std::string ReadOutput(int fd) {
  std::string output(static_cast<size_t>(::lseek(fd, 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(fd, output.data(), output.size(), 0),
            static_cast<ssize_t>(output.size()));
  return output;
}

// One program under observation.
class Watched {
 public:
  Watched(pid_t pid, CallWatcher& watcher) : pid_(pid), watcher_(watcher) {}

  ProgramEnd ToTheEnd() {
    int status = 0;
    Wait(status);
    EXPECT_TRUE(WIFSTOPPED(status)) << "it did not start";
    EXPECT_EQ(Ask(PTRACE_SETOPTIONS, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
              0);
    int signal = 0;
    while (GoOn(signal, status)) {
      signal = 0;
      if (WSTOPSIG(status) == kCallStop) {
        is_inside_ ? Leave() : Enter();
      } else if (WSTOPSIG(status) != SIGTRAP) {
        signal = WSTOPSIG(status);
      }
    }
    if (WIFEXITED(status)) end_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) end_.signal = WTERMSIG(status);
    return std::move(end_);
  }

 private:
  long Ask(__ptrace_request request, uint64_t data) const {
    return ::ptrace(request, pid_, nullptr, data);
  }
  void Wait(int& status) const {
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  // False: it has ended.
  bool GoOn(int signal, int& status) const {
    (void)Ask(PTRACE_SYSCALL, static_cast<uint64_t>(signal));
    Wait(status);
    return WIFSTOPPED(status);
  }

  void Enter() {
    user_regs_struct registers = {};
    if (::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) != 0) return;
    is_inside_ = true;
    const auto number = static_cast<long>(registers.orig_rax);
    if (number == SYS_prctl) {
      is_part_ = registers.rdi == kDriverPartBegins ||
                 (is_part_ && registers.rdi != kDriverPartEnds);
      if (registers.rdi == kDriverPartBegins) return;
    }
    if (!is_part_) return;
    const SystemCall call{++end_.calls,
                          number,
                          {registers.rdi, registers.rsi, registers.rdx,
                           registers.r10, registers.r8, registers.r9}};
    const Treatment treatment = call.index > kCallsMax
                                    ? Treatment{Treatment::Kind::kKill}
                                    : watcher_.Before(call);
    if (treatment.kind != Treatment::Kind::kNone) {
      end_.last_call = CallName(number);
    }
    switch (treatment.kind) {
      case Treatment::Kind::kNone:
        return;
      case Treatment::Kind::kKill:
        (void)::kill(pid_, SIGKILL);
        return;
      case Treatment::Kind::kFail:
        result_ = -static_cast<int64_t>(treatment.error);
        registers.orig_rax = ~uint64_t{0};
        break;
      case Treatment::Kind::kShort:
        count_ = registers.rdx;
        registers.rdx /= 2;
        break;
    }
    (void)::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
  }

  void Leave() {
    is_inside_ = false;
    if (!result_ && !count_) return;
    user_regs_struct registers = {};
    if (::ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) != 0) return;
    if (result_) registers.rax = static_cast<uint64_t>(*result_);
    if (count_) registers.rdx = *count_;
    (void)::ptrace(PTRACE_SETREGS, pid_, nullptr, &registers);
    result_.reset();
    count_.reset();
  }

  const pid_t pid_;
  CallWatcher& watcher_;
  ProgramEnd end_;
  bool is_inside_ = false;
  bool is_part_ = false;
  std::optional<int64_t> result_;  // Of the call that is not made.
  std::optional<uint64_t> count_;  // What was asked for.
};

}  // namespace

bool IsFileCall(const SystemCall& call) {
  return FileCalls().contains(call.number);
}

bool TransfersBytes(long number) {
  return number == SYS_read || number == SYS_write || number == SYS_pread64 ||
         number == SYS_pwrite64;
}

std::string CallName(long number) {
  const auto found = FileCalls().find(number);
  return found == FileCalls().end() ? std::to_string(number) : found->second;
}

ProgramEnd RunForked(const std::function<void()>& work, CallWatcher* watcher) {
  const UniqueFd output(::memfd_create("output", MFD_CLOEXEC));
  (void)std::fflush(stdout);  // Or both would write it.
  const pid_t pid = ::fork();
  if (pid == 0) {
    Begin(output.UnsafeFd(), watcher != nullptr);
    work();
    ::_exit(0);
  }
  EXPECT_GT(pid, 0);
  ProgramEnd end;
  if (watcher != nullptr) {
    end = Watched(pid, *watcher).ToTheEnd();
  } else {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  }
  end.output = ReadOutput(output.UnsafeFd());
  return end;
}

ProgramEnd RunProgram(const std::vector<std::string>& command,
                      CallWatcher* watcher) {
  return RunForked([&command] { Become(command); }, watcher);
}

}  // namespace gatehouse
