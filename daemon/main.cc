// wdavdaemon: builds what supervisor and workers share, then supervises.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>
#include <string>

#include "base/file_custody.h"
#include "base/lock_probe.h"
#include "base/result.h"
#include "daemon/options.h"
#include "daemon/shared_state.h"
#include "daemon/state_lock.h"
#include "daemon/supervisor.h"
#include "definitions/compile_program.h"
#include "es_linux.h"
#include "ipc/socket.h"

namespace gatehouse {
namespace {

constexpr int kExitError = 1;
constexpr rlim_t kEventsMax = 4096;
constexpr rlim_t kEventsMin = 64;
constexpr unsigned int kRunDirectoryMode = 0755;
constexpr unsigned int kTraceMode = 0600;

int FailStart(const std::string& message) {
  (void)std::fprintf(stderr, "Error: %s\n", message.c_str());
  return kExitError;
}

// Every event in work holds a descriptor, and a listener that runs out of them
// makes the kernel deny innocent opens: so many events that both kinds fill
// half of our limit, which is raised first.
uint32_t EventsThatFit() {
  rlimit limit = {};
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<uint32_t>(
      std::clamp(limit.rlim_cur / 4, kEventsMin, kEventsMax));
}

KernelFeatures FindKernelFeatures(const StateLock& lock,
                                  const DaemonOptions& options) {
  KernelFeatures found;
  // A file of our own, which nobody is held over.
  found.error_number = esl_probe_kernel(lock.UnsafeFd(), &found.fanotify);
  if (options.pretend_no_permission_events) {
    found.fanotify.permission_events = false;
    found.fanotify.exec_permission_events = false;
  }
  if (options.pretend_no_exec_events) {
    found.fanotify.exec_permission_events = false;
  }
  return found;
}

// A file of our own, never one that is there already. -1 without --record.
Result<UniqueFd> OpenTrace(const std::string& path) {
  if (path.empty()) return UniqueFd();
  UniqueFd trace(::open(path.c_str(),
                        O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC,
                        kTraceMode));
  if (!trace.valid()) return FailSystem("record to '" + path + "'", errno);
  return trace;
}

int Run(int argc, char** argv) {
  const ParsedOptions parsed = ParseCommandLine(argc, argv);
  if (parsed.exit_now) return parsed.exit_code;
  const DaemonOptions& options = parsed.options;
  // Nothing that a careless parent left open reaches the workers.
  (void)::close_range(STDERR_FILENO + 1, ~0U, 0);
  const Result<bool> run_directory =
      EnsureDirectory(options.run_directory, kRunDirectoryMode);
  if (!run_directory) return FailStart(run_directory.error().message);
  Result<StateLock> lock = StateLock::Take(options.state_directory);
  if (!lock) return FailStart(lock.error().message);
  const Result<UniqueFd> listener = ListenOn(options.run_directory);
  if (!listener) return FailStart(listener.error().message);
  const Result<UniqueFd> trace = OpenTrace(options.record_path);
  if (!trace) return FailStart(trace.error().message);
  SharedState* shared = CreateSharedState();
  const uint32_t events_max = EventsThatFit();
  esl_journal_t* journal = esl_journal_create(events_max);
  if (shared == nullptr || journal == nullptr) {
    return FailStart("out of shared memory");
  }
  shared->previous_run_unclean.store(lock->previous_run_unclean() ? 1 : 0);
  // Before anything can be marked: later, opening them may wait for ourselves.
  const LockProbe package_locks = PackageManagerLocks();
  const SystemLibraries libraries = SystemLibraries::Find();
  shared->kernel = FindKernelFeatures(*lock, options);
  Supervisor supervisor({options, *lock, *shared, journal, events_max,
                         package_locks, libraries, listener->UnsafeFd(),
                         trace->UnsafeFd()});
  const int exit_code = supervisor.Run();
  StopListening(options.run_directory);
  return exit_code;
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  if (const auto code = gatehouse::RunIfCompileProgram(argc, argv))
    return *code;
  try {
    return gatehouse::Run(argc, argv);
  } catch (const std::bad_alloc&) {
    return gatehouse::FailStart("out of memory");
  }
}
