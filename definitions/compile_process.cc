#include "definitions/compile_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/memory_file.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "base/whole_transfer.h"
#include "definitions/compile_message.h"
#include "definitions/compile_program.h"

namespace gatehouse {
namespace {

constexpr const char* kSelf = "/proc/self/exe";
constexpr size_t kErrorTextMax = 4096;
constexpr int kStopPeriodMs = 100;
constexpr int kExitNotStarted = 127;

std::vector<std::string> ArgumentsOf(const CompileRequest& request,
                                     int output_fd) {
  std::string letters;
  if (request.options.takes_unwanted) letters += 'u';
  if (request.options.takes_any_size_hashes) letters += 'a';
  if (request.tests_system_files) letters += 's';
  return {"gatehouse-definitions",
          kCompileProgramArgument,
          request.directory,
          std::to_string(output_fd),
          letters,
          std::to_string(request.limits.cpu_seconds),
          std::to_string(request.limits.memory_bytes)};
}

// A child that has exactly the output and the standard streams.
Result<pid_t> Start(const CompileRequest& request, int output_fd) {
  std::vector<std::string> arguments = ArgumentsOf(request, output_fd);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::array<char*, 1> environment = {nullptr};
  const pid_t pid = ::fork();
  if (pid < 0) return FailSystem("start the compile process", errno);
  if (pid != 0) return pid;
  // Only calls that are safe after a fork with threads, from here on.
  sigset_t none = {};
  (void)::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::fcntl(output_fd, F_SETFD, 0);
  (void)::execve(kSelf, argv.data(), environment.data());
  ::_exit(kExitNotStarted);
}

// Waits until it has ended, or ends it.
Result<int> WaitFor(pid_t pid, const CompileRequest& request) {
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const MonotonicTime end = MonotonicClock::now() + request.time_limit;
  Error error;
  while (handle.valid()) {
    pollfd poll = {handle.UnsafeFd(), POLLIN, 0};
    const int period = request.stop.stop_requested() ? 0 : kStopPeriodMs;
    if (::poll(&poll, 1, period) > 0) break;
    if (request.stop.stop_requested()) {
      error = {ErrorCode::kBusy, "compile definitions: stopped"};
    } else if (MonotonicClock::now() > end) {
      error = {ErrorCode::kLimitExceeded,
               "compile definitions: longer than " +
                   std::to_string(request.time_limit.count()) + " s"};
    } else {
      continue;
    }
    (void)::kill(pid, SIGKILL);
    break;
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR)
      return FailSystem("wait for the compile process", errno);
  }
  if (!error.message.empty()) return Unexpected(error);
  return status;
}

Result<bool> ReadAt(int fd, std::span<uint8_t> bytes, uint64_t offset) {
  const Result<size_t> count =
      ReadFully(fd, bytes, "read what was compiled", offset);
  if (!count) return Unexpected(count.error());
  if (*count == bytes.size()) return true;
  return Fail(ErrorCode::kOperational, "what was compiled is cut off");
}

Result<uint64_t> SizeOf(int fd) {
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0) return FailSystem("stat", errno);
  return static_cast<uint64_t>(facts.st_size);
}

Result<CompiledSet> ReadCompiled(int fd) {
  const Result<uint64_t> size = SizeOf(fd);
  if (!size) return Unexpected(size.error());
  if (*size < kImageOffset) {
    return Fail(ErrorCode::kOperational, "what was compiled is cut off");
  }
  CompiledSet compiled;
  Result<WordBuffer> image =
      WordBuffer::Allocate((*size - kImageOffset) / sizeof(uint64_t));
  if (!image) return Unexpected(image.error());
  compiled.image = std::move(*image);
  const Result<bool> digest = ReadAt(fd, compiled.digest, 0);
  if (!digest) return Unexpected(digest.error());
  const std::span<uint64_t> words = compiled.image.words();
  const Result<bool> read =
      ReadAt(fd,
             {static_cast<uint8_t*>(static_cast<void*>(words.data())),
              words.size_bytes()},
             kImageOffset);
  if (!read) return Unexpected(read.error());
  return compiled;
}

std::string ErrorText(int fd) {
  std::array<uint8_t, kErrorTextMax> text = {};
  const Result<size_t> count = ReadFully(fd, text, "read the error", 0);
  if (!count) return count.error().message;
  return std::string(AsText(ByteView(text).first(*count)));
}

Error ErrorOf(int status, int fd, const CompileRequest& request) {
  const std::string what = "compile definitions: ";
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    // Without mercy where both limits are one.
    if (number == SIGXCPU || number == SIGKILL) {
      return {ErrorCode::kLimitExceeded,
              what + "more than " + std::to_string(request.limits.cpu_seconds) +
                  " s of CPU time, or killed for lack of memory"};
    }
    return {ErrorCode::kOperational,
            what + "the process died of signal " + std::to_string(number)};
  }
  const int code = WEXITSTATUS(status);
  if (code == kExitOutOfMemory) {
    return {ErrorCode::kLimitExceeded,
            what + "more than " +
                std::to_string(request.limits.memory_bytes >> 20U) +
                " MiB of memory"};
  }
  constexpr int kCodeMax = static_cast<int>(ErrorCode::kUnreachable);
  if (code >= kExitErrorFirst && code <= kExitErrorFirst + kCodeMax) {
    return {static_cast<ErrorCode>(code - kExitErrorFirst), ErrorText(fd)};
  }
  return {ErrorCode::kOperational,
          what + "the process ended with exit code " + std::to_string(code)};
}

}  // namespace

Result<CompiledSet> CompileInProcess(const CompileRequest& request) {
  if (!IsCompileProgram()) {
    return Fail(ErrorCode::kNotSupported,
                "compile definitions: this program cannot be started again");
  }
  const Result<UniqueFd> output = CreateMemoryFile("gatehouse-definitions");
  if (!output) return Unexpected(output.error());
  const Result<pid_t> pid = Start(request, output->UnsafeFd());
  if (!pid) return Unexpected(pid.error());
  const Result<int> status = WaitFor(*pid, request);
  if (!status) return Unexpected(status.error());
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == kExitCompiled) {
    return ReadCompiled(output->UnsafeFd());
  }
  return Unexpected(ErrorOf(*status, output->UnsafeFd(), request));
}

}  // namespace gatehouse
