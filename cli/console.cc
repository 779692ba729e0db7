#include "cli/console.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

#include "cli/json_output.h"

namespace gatehouse {
namespace {

// errno of the first write to standard output that failed.
std::atomic<int> output_error{0};

void NoteOutputError(int error_number) {
  int none = 0;
  // Relaxed: nothing else hangs on it, and main reads it after the threads.
  (void)output_error.compare_exchange_strong(none, error_number,
                                             std::memory_order_relaxed);
}

}  // namespace

void PrepareStandardStreams() {
  // Read-only: a write to a standard output that was closed is an error.
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) {
    fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  if (fd >= 0) (void)::close(fd);       // The first one beyond; not needed.
  (void)std::signal(SIGPIPE, SIG_IGN);  // Cannot fail for this signal.
}

void PrintLine(std::string_view line) {
  // One call per line: the stream's own lock keeps lines apart.
  std::string text(line);
  text += '\n';
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      std::fflush(stdout) != 0) {
    NoteOutputError(errno);
  }
}

void WarnLine(std::string_view line) {
  std::string text(line);
  text += '\n';
  (void)std::fwrite(text.data(), 1, text.size(), stderr);  // Nowhere to tell.
}

ExitCode PrintError(OutputFormat format, ExitCode code,
                    std::string_view message) {
  // It may come from the daemon, or quote the command line.
  WarnLine("Error: " + ShownText(message));
  if (format == OutputFormat::kJson) {
    PrintJson({{"$type", "error"},
               {"code", static_cast<int>(code)},
               {"message", message}});
  }
  return code;
}

ExitCode PrintError(OutputFormat format, const Error& error) {
  return PrintError(format, ExitCodeOf(error.code), error.message);
}

ExitCode FinishOutput(ExitCode code) {
  if (std::fflush(stdout) != 0) NoteOutputError(errno);
  const int error_number = output_error.load(std::memory_order_relaxed);
  if (error_number == 0) return code;
  return PrintError(OutputFormat::kText,
                    SystemError("write standard output", error_number));
}

}  // namespace gatehouse
