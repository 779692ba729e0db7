#include "daemon/supervisor.h"

#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <initializer_list>
#include <thread>

#include "daemon/abandoned_worker.h"
#include "daemon/log.h"
#include "daemon/worker.h"
#include "engine/crash_mark.h"
#include "es_adapter/miss_policy.h"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;

// Nobody is left waiting without a worker for longer than this.
constexpr milliseconds kAbsenceMax{2000};
constexpr milliseconds kHeartbeatMax{3000};
constexpr milliseconds kStopMax{5000};
// From SIGKILL until a worker that is still there is looked at closely.
constexpr milliseconds kKillMax{500};
constexpr milliseconds kBackOffMax{5000};
constexpr milliseconds kStatusPeriod{1000};
constexpr int kPollStartingMs = 10;
constexpr int kNice = -10;
constexpr int kPollRunningMs = 1000;
constexpr int kExitUnableToStart = 1;
constexpr size_t kSourceFdsMax = 5;  // See esl_journal_kept_fds.
constexpr size_t kOwnFdsMax = 15;    // Beside those of the journal.

// Straight to standard error: this process has no threads to write for it, and
// it logs only when a worker comes or goes.
void Log(Severity severity, std::string_view message,
         std::initializer_list<LogField> fields = {}) {
  const std::string line = FormatLogLine(severity, message, fields);
  // A full pipe must not stop us: whoever reads it may be held for an answer.
  pollfd wait = {STDERR_FILENO, POLLOUT, 0};
  if (::poll(&wait, 1, 0) <= 0) return;
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

// No worker: there will be no verdict. Looks at facts of the file, at none of
// its bytes.
bool AllowsWithoutWorker(void* context, const esl_held_t* held) {
  const auto& policy = *static_cast<const MissPolicy*>(context);
  const FileEventKind kind = held->event == ES_EVENT_TYPE_AUTH_EXEC
                                 ? FileEventKind::kExec
                                 : FileEventKind::kOpen;
  return !policy.MayFailClosed(kind, held->pid, held->fd) ||
         policy.MustFailOpen();
}

bool IsFault(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status) != 0;
  return WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL &&
         WTERMSIG(status) != SIGTERM;
}

milliseconds BackOff(uint32_t failures_in_a_row) {
  if (failures_in_a_row <= 1) return milliseconds(0);
  const uint32_t doublings = std::min(failures_in_a_row - 2, 10U);
  return std::min(milliseconds(10) * (1U << doublings), kBackOffMax);
}

}  // namespace

Supervisor::Supervisor(const Parts& parts)
    : parts_(parts),
      notifier_(parts.options.notify_socket),
      // Groups and sources, events of both kinds, and our own few.
      kept_fds_(size_t{2} * parts.events_max + kSourceFdsMax + kOwnFdsMax) {
  assert(parts.package_locks.files().size() + 7 <= kOwnFdsMax);
  const MonotonicTime now = MonotonicClock::now();
  heartbeat_at_ = ready_until_ = start_at_ = notified_at_ = now;
}

int Supervisor::Run() {
  // Everybody who is held waits while there is no worker: we and the next one,
  // which inherits this, go first. Best effort: it takes a right.
  (void)::setpriority(PRIO_PROCESS, 0, kNice);
  // killall -9 wdavdaemon must find the worker, not us.
  (void)::prctl(PR_SET_NAME, "gatehouse-sup");
  if (!PrepareSignals()) {
    Log(Severity::kError, "cannot receive signals");
    return kExitUnableToStart;
  }
  while (true) {
    const MonotonicTime now = MonotonicClock::now();
    if (worker_ == 0 && stopping_) break;
    if (worker_ == 0 && now >= start_at_) StartWorker();
    Wait();
    HandleSignals();
    if (ReapWorker() == Next::kExit) break;
    CheckReadiness();
    CheckHeartbeat();
    AnswerForAbsentWorker();
  }
  // Closing the groups lets the kernel allow whoever still waits.
  CloseStrayDescriptors();
  if (exit_code_ == 0) parts_.state_lock.MarkCleanEnd();
  notifier_.Notify("STOPPING=1");
  return exit_code_;
}

bool Supervisor::PrepareSignals() {
  sigset_t signals = {};
  (void)::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1}) {
    (void)::sigaddset(&signals, number);
  }
  if (::pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) return false;
  // SIGIO: somebody opened a file for writing in the instant in which we held a
  // lease on it, to learn whether anybody writes. Workers inherit this.
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  for (const int number : {SIGPIPE, SIGIO}) {
    (void)::sigaction(number, &ignore, nullptr);
  }
  signal_fd_.Reset(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  return signal_fd_.valid();
}

// --- Workers come -----------------------------------------------------------

void Supervisor::StartWorker() {
  parts_.shared.ready_worker.store(0);
  (void)parts_.shared.supervisor.workers_started.fetch_add(1);
  // As fork, but with one descriptor table for both. There is no glibc call
  // for that; the child therefore works only in threads it creates itself.
  const pid_t supervisor = ::getpid();
  const long pid = ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr,
                             nullptr, nullptr);
  if (pid == 0) BecomeWorker(supervisor);
  const MonotonicTime now = MonotonicClock::now();
  if (pid < 0) {
    Log(Severity::kError, "cannot start a worker",
        {{"error", SystemError("clone", errno).message}});
    (void)parts_.shared.supervisor.worker_start_failures.fetch_add(1);
    ++failures_in_a_row_;
    start_at_ = now + BackOff(failures_in_a_row_ + 2);
    return;
  }
  worker_ = static_cast<pid_t>(pid);
  seen_heartbeat_ = parts_.shared.heartbeat.load();
  heartbeat_at_ = now;
  killed_at_ = kNever;
}

void Supervisor::BecomeWorker(pid_t supervisor) {
  // First: a worker without supervisor must not hold anybody up.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have died between the clone and the line above.
  if (::getppid() != supervisor) ::_exit(kExitUnableToStart);
  (void)::prctl(PR_SET_NAME, "wdavdaemon");
  (void)::prctl(PR_SET_DUMPABLE, 0);
  const rlimit no_core = {0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  int exit_code = kExitUnableToStart;
  const WorkerParts parts{parts_.options,
                          parts_.shared,
                          parts_.journal,
                          parts_.events_max,
                          parts_.shared.supervisor.workers_started.load(),
                          parts_.package_locks,
                          parts_.libraries,
                          parts_.unsafe_listener_fd,
                          parts_.unsafe_trace_fd};
  std::thread worker([&] { exit_code = RunWorker(parts); });
  worker.join();
  ::_exit(exit_code);
}

void Supervisor::CheckReadiness() {
  const uint64_t ready = parts_.shared.ready_worker.load();
  if (worker_ == 0 || ready == 0) return;
  const MonotonicTime now = MonotonicClock::now();
  ready_until_ = now;
  failures_in_a_row_ = 0;
  if (!was_ready_) notifier_.Notify("READY=1\nSTATUS=protecting");
  was_ready_ = true;
  if (now - notified_at_ >= kStatusPeriod) {
    notified_at_ = now;
    if (parts_.options.watchdog_microseconds != 0) {
      notifier_.Notify("WATCHDOG=1");
    }
  }
}

// --- Workers go -------------------------------------------------------------

Supervisor::Next Supervisor::ReapWorker() {
  int status = 0;
  pid_t ended = 0;
  do {  // One that was left behind may end at last.
    ended = ::waitpid(-1, &status, WNOHANG);
  } while (ended > 0 && ended != worker_);
  if (worker_ == 0) return Next::kGoOn;
  if (ended <= 0) {
    if (!IsBeyondReach()) return Next::kGoOn;
    Log(Severity::kError, "worker cannot be ended, leaving it behind",
        {{"pid", std::to_string(worker_)}});
    (void)parts_.shared.supervisor.workers_abandoned.fetch_add(1);
    status = SIGKILL;  // As waitpid would say.
  }
  worker_ = 0;
  parts_.shared.journal_owner.store(JournalOwner::kNobody);
  // Was it ready just before it died? Then it counts as having been there.
  CheckReadiness();
  const bool was_ready = parts_.shared.ready_worker.exchange(0) != 0;
  if (was_ready) ready_until_ = MonotonicClock::now();
  NoteDeath(status);
  CloseStrayDescriptors();
  if (stopping_) return Next::kExit;
  if (!was_ready_ && !was_ready && WIFEXITED(status)) {
    exit_code_ = WEXITSTATUS(status);  // It has said why.
    return Next::kExit;
  }
  failures_in_a_row_ = !was_ready && IsFault(status) ? failures_in_a_row_ + 1
                                                     : failures_in_a_row_;
  start_at_ = MonotonicClock::now() + BackOff(failures_in_a_row_);
  return Next::kGoOn;
}

// A thread that waits for a file server is ended by no signal, and with it the
// process would be there for ever, the groups open and nobody reading them.
// Nothing of it returns to user space, so a successor may have the journal; the
// descriptors are swept from the table that all share.
bool Supervisor::IsBeyondReach() const {
  return killed_at_ != kNever &&
         MonotonicClock::now() - killed_at_ >= kKillMax &&
         OnlyWaitsInKernel(worker_);
}

void Supervisor::NoteDeath(int status) {
  parts_.shared.last_death.store(status);
  if (stopping_ && WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  SupervisorStatistics& statistics = parts_.shared.supervisor;
  (void)statistics.worker_deaths.fetch_add(1);
  if (IsFault(status)) (void)statistics.worker_deaths_own_fault.fetch_add(1);
  Log(Severity::kWarning, "worker died, starting another",
      {{"signal", std::to_string(WIFSIGNALED(status) ? WTERMSIG(status) : 0)},
       {"exit_code",
        std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : 0)}});
}

// Whatever the dead worker had open is still open here. Its events and groups
// stay for the successor; the rest goes, so that nothing leaks from death to
// death.
void Supervisor::CloseStrayDescriptors() {
  size_t count = 0;
  if (!stopping_) {
    count = esl_journal_kept_fds(parts_.journal, kept_fds_.data(),
                                 kept_fds_.size() - kOwnFdsMax);
  }
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
                       signal_fd_.UnsafeFd(), parts_.state_lock.UnsafeFd(),
                       parts_.unsafe_listener_fd, parts_.unsafe_trace_fd}) {
    if (fd >= 0) kept_fds_[count++] = fd;
  }
  for (const UniqueFd& file : parts_.package_locks.files()) {
    kept_fds_[count++] = file.UnsafeFd();
  }
  std::sort(kept_fds_.begin(), kept_fds_.begin() + static_cast<long>(count));
  unsigned int first = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto kept = static_cast<unsigned int>(kept_fds_[i]);
    if (kept > first) (void)::close_range(first, kept - 1, 0);
    first = std::max(first, kept + 1);
  }
  (void)::close_range(first, UINT_MAX, 0);
  (void)parts_.shared.supervisor.descriptors_closed.fetch_add(1);
}

void Supervisor::CheckHeartbeat() {
  if (worker_ == 0) return;
  const uint64_t heartbeat = parts_.shared.heartbeat.load();
  const MonotonicTime now = MonotonicClock::now();
  if (heartbeat != seen_heartbeat_ || parts_.shared.ready_worker.load() == 0) {
    // Before it is ready it compiles signatures, which takes what it takes.
    seen_heartbeat_ = heartbeat;
    heartbeat_at_ = now;
    if (now < stop_by_) return;
  }
  if (now - heartbeat_at_ < kHeartbeatMax && now < stop_by_) return;
  if (!stopping_) {
    Log(Severity::kError, "worker does not respond, killing it");
    (void)parts_.shared.supervisor.workers_unresponsive.fetch_add(1);
  }
  (void)::kill(worker_, SIGKILL);
  heartbeat_at_ = now;
  stop_by_ = kNever;
  killed_at_ = std::min(killed_at_, now);
}

// Without a ready worker for too long, policy answers: openers are released,
// counted and remembered for a rescan. A worker that is getting ready takes the
// journal when it has compiled its signatures; until then it is ours.
void Supervisor::AnswerForAbsentWorker() {
  if (!was_ready_ || parts_.shared.ready_worker.load() != 0) return;
  if (MonotonicClock::now() - ready_until_ < kAbsenceMax) return;
  JournalOwner expected = JournalOwner::kNobody;
  if (!parts_.shared.journal_owner.compare_exchange_strong(
          expected, JournalOwner::kSupervisor)) {
    return;
  }
  MissPolicy policy(parts_.shared.miss, parts_.package_locks, parts_.libraries);
  (void)esl_journal_answer_all(parts_.journal, &policy, AllowsWithoutWorker);
  parts_.shared.journal_owner.store(JournalOwner::kNobody);
}

// --- Signals ----------------------------------------------------------------

void Supervisor::HandleSignals() {
  signalfd_siginfo signal = {};
  while (::read(signal_fd_.UnsafeFd(), &signal, sizeof(signal)) ==
         static_cast<ssize_t>(sizeof(signal))) {
    const auto number = static_cast<int>(signal.ssi_signo);
    if (number == SIGTERM || number == SIGINT) {
      StopWorker();
    } else if (number == SIGUSR1 && worker_ != 0) {
      (void)::kill(worker_, SIGUSR1);
    }
  }
}

void Supervisor::StopWorker() {
  if (stopping_) return;
  stopping_ = true;
  parts_.shared.stop_requested.store(1);
  stop_by_ = MonotonicClock::now() + kStopMax;
  notifier_.Notify("STOPPING=1");
  if (worker_ != 0) (void)::kill(worker_, SIGTERM);
}

int Supervisor::PollMilliseconds() const {
  const bool settled =
      worker_ != 0 && parts_.shared.ready_worker.load() != 0 && was_ready_;
  const bool waits_for_its_end = stopping_ || killed_at_ != kNever;
  return settled && !waits_for_its_end ? kPollRunningMs : kPollStartingMs;
}

void Supervisor::Wait() {
  pollfd wait = {signal_fd_.UnsafeFd(), POLLIN, 0};
  (void)::poll(&wait, 1, PollMilliseconds());
}

}  // namespace gatehouse
