#include "daemon/memory_programs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_name.h"
#include "base/time.h"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;

// A process that was killed is gone within this, unless it waits in the kernel
// for something that does not come.
constexpr milliseconds kEndMax{2000};
// A program that starts itself again is found again, this often.
constexpr int kRoundsMax = 32;

// Which is open as a path only. It has no server that could hang: memory.
UniqueFd OpenToRead(const RunningProgram& program) {
  const std::string link =
      "/proc/self/fd/" + std::to_string(program.file.UnsafeFd());
  return UniqueFd(
      ::open(link.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

// Waits until the process is over; false if it is not by then.
bool AwaitEnd(const UniqueFd& process, MonotonicTime until) {
  const auto left = std::chrono::ceil<milliseconds>(
      std::max(until - MonotonicClock::now(), MonotonicTime::duration(0)));
  pollfd wait = {process.UnsafeFd(), POLLIN, 0};
  return ::poll(&wait, 1, static_cast<int>(left.count())) == 1;
}

std::string Counted(size_t count) {
  return std::to_string(count) + (count == 1 ? " process" : " processes");
}

}  // namespace

MemoryPrograms::MemoryPrograms(const Parts& parts)
    : parts_(parts), memory_(MemoryFileSystems::Find()) {}

void MemoryPrograms::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

// --- Finding ----------------------------------------------------------------

void MemoryPrograms::Run(const std::stop_token& stop) {
  SetThreadName("gh-memory");
  UseOrdinaryPriority();
  while (const std::optional<int32_t> pid = parts_.starts.Take(stop)) {
    if (!parts_.starts.is_wanted()) continue;
    if (*pid == StartedPrograms::kAllProcesses) {
      LookAtAll(stop);
    } else {
      LookAt(*pid, stop);
    }
  }
}

void MemoryPrograms::LookAtAll(const std::stop_token& stop) {
  parts_.statistics.looks.fetch_add(1);
  for (const pid_t pid : AllProcesses()) {
    if (stop.stop_requested()) return;
    if (IsNamedAsInMemory(pid)) LookAt(pid, stop);
  }
}

// What runs in `pid`, if it is in memory.
std::optional<RunningProgram> MemoryPrograms::Find(pid_t pid) {
  Result<std::optional<RunningProgram>> program = FindProgram(pid);
  if (!program) {
    parts_.statistics.unreachable.fetch_add(1);
    return std::nullopt;
  }
  if (!*program) {
    parts_.statistics.gone.fetch_add(1);
    return std::nullopt;
  }
  if (!memory_.Contains((*program)->device)) return std::nullopt;
  return std::move(*program);
}

void MemoryPrograms::LookAt(pid_t pid, const std::stop_token& stop) {
  std::optional<RunningProgram> program = Find(pid);
  if (!program) return;
  UniqueFd file = OpenToRead(*program);
  if (!file.valid()) {
    parts_.statistics.unreachable.fetch_add(1);
    return;
  }
  parts_.statistics.found.fetch_add(1);
  (void)parts_.files.Judge({std::move(file), std::move(program->path), pid},
                           stop);
}

// --- Ending -----------------------------------------------------------------

void MemoryPrograms::OnVerdict(FileEvent event, const Verdict& verdict,
                               Remediator* remediator) {
  MemoryStatistics& statistics = parts_.statistics;
  switch (verdict.kind) {
    case VerdictKind::kClean:
      statistics.clean.fetch_add(1);
      break;
    case VerdictKind::kSuspicious:
      statistics.suspicious.fetch_add(1);
      break;
    case VerdictKind::kInfected:
      OnInfected(std::move(event), verdict, remediator);
      break;
    case VerdictKind::kNotScanned:
      statistics.not_scanned.at(static_cast<size_t>(verdict.reason))
          .fetch_add(1);
      break;
    case VerdictKind::kError:
      statistics.errors.fetch_add(1);
      break;
  }
}

// Kills every process that runs this very file: those that were forked from
// the one that was found as well. A killed one is waited for, so that what it
// started last is seen by the next round.
MemoryPrograms::Ended MemoryPrograms::EndAll(dev_t device, ino_t inode) {
  const MonotonicTime until = MonotonicClock::now() + kEndMax;
  Ended ended;
  for (int i = 0; i < kRoundsMax; ++i) {
    std::vector<UniqueFd> dying;
    for (const pid_t pid : AllProcesses()) {
      if (!IsNamedAsInMemory(pid)) continue;
      Result<std::optional<RunningProgram>> program = FindProgram(pid);
      if (!program || !*program) continue;
      RunningProgram& found = **program;
      if (found.device != device || found.inode != inode) continue;
      const int error_number = Kill(found);
      if (error_number == 0) dying.push_back(std::move(found.process));
      if (error_number != 0 && error_number != ESRCH) ++ended.left;
    }
    if (dying.empty()) return ended;
    const auto is_left = [&](const UniqueFd& process) {
      return !AwaitEnd(process, until);
    };
    const auto left =
        static_cast<size_t>(std::count_if(dying.begin(), dying.end(), is_left));
    ended.killed += dying.size() - left;
    ended.left += left;
    if (ended.left != 0) return ended;
  }
  ++ended.left;  // It starts itself faster than we kill it.
  return ended;
}

void MemoryPrograms::OnInfected(FileEvent event, const Verdict& verdict,
                                Remediator* remediator) {
  MemoryStatistics& statistics = parts_.statistics;
  statistics.detections.fetch_add(1);
  // Nothing else has that identity while we have it open.
  struct stat facts = {};
  const bool is_known = ::fstat(event.file.UnsafeFd(), &facts) == 0;
  ThreatStatus status = ThreatStatus::kDetected;
  std::string detail = "real-time protection was switched off";
  Ended ended;
  if (is_known && parts_.starts.is_wanted()) {
    ended = EndAll(facts.st_dev, facts.st_ino);
    statistics.processes_killed.fetch_add(ended.killed);
    statistics.processes_left.fetch_add(ended.left);
    if (ended.left != 0) {
      detail = Counted(ended.left) + " could not be killed";
    } else if (ended.killed != 0) {
      status = ThreatStatus::kBlocked;
      detail = "a program in memory: " + Counted(ended.killed) + " killed";
    } else {
      status = ThreatStatus::kNotFound;
      detail = "a program in memory: nobody ran it any more";
    }
  }
  parts_.log.Log(Severity::kWarning, "threat found in a program in memory",
                 {{"name", verdict.threat_name},
                  {"path", std::string(event.unsafe_path)},
                  {"pid", std::to_string(event.pid)},
                  {"killed", std::to_string(ended.killed)}});
  if (remediator == nullptr) return;
  Detection detection;
  detection.threat_name = verdict.threat_name;
  detection.event = std::move(event);
  (void)remediator->RecordInPlace(detection, status, detail);
}

}  // namespace gatehouse
