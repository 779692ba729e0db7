#include "daemon/running_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "base/number_entries.h"

namespace gatehouse {
namespace {

// What the kernel puts before the name that a memfd was given.
constexpr std::string_view kMemoryPrefix = "/memfd:";
constexpr unsigned int kNotExecutable = 8;  // MFD_NOEXEC_SEAL, Linux 6.3.
// Of huge pages, as memfd_create takes them, at the place where mmap has them:
// from 2^14 bytes to 2^34.
constexpr unsigned int kHugePageBitsMin = 14;
constexpr unsigned int kHugePageBitsMax = 34;

std::string LinkText(const std::string& link) {
  std::array<char, PATH_MAX> text = {};
  const ssize_t length = ::readlink(link.c_str(), text.data(), text.size());
  if (length <= 0) return {};
  return {text.data(), static_cast<size_t>(length)};
}

// The link to the program of `pid`, and its text. A process whose first thread
// has ended goes on without a link of its own.
struct ProgramLink {
  std::string link;
  std::string text;  // Empty: it has none.
};

ProgramLink LinkOf(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  ProgramLink found;
  found.link = folder + "/exe";
  found.text = LinkText(found.link);
  if (!found.text.empty()) return found;
  for (const pid_t thread : NumbersIn(folder + "/task")) {
    if (thread == pid) continue;
    found.link = folder + "/task/" + std::to_string(thread) + "/exe";
    found.text = LinkText(found.link);
    if (!found.text.empty()) break;
  }
  return found;
}

bool IsOver(const UniqueFd& process) {
  pollfd wait = {process.UnsafeFd(), POLLIN, 0};
  return ::poll(&wait, 1, 0) != 0;
}

// Who is gone, or was never there.
bool MeansGone(int error_number) {
  return error_number == ESRCH || error_number == ENOENT ||
         error_number == EINVAL;
}

}  // namespace

Result<std::optional<RunningProgram>> FindProgram(pid_t pid) {
  RunningProgram program;
  program.pid = pid;
  program.process.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!program.process.valid()) {
    if (MeansGone(errno)) return std::optional<RunningProgram>();
    return FailSystem("open process " + std::to_string(pid), errno);
  }
  ProgramLink link = LinkOf(pid);
  if (link.text.empty()) return std::optional<RunningProgram>();
  // No open in the sense of its file system: nobody is asked, nobody waits.
  program.file.Reset(::open(link.link.c_str(), O_PATH | O_CLOEXEC));
  if (!program.file.valid()) {
    if (MeansGone(errno)) return std::optional<RunningProgram>();
    return FailSystem("look at '" + link.link + "'", errno);
  }
  struct statx facts = {};
  if (::statx(program.file.UnsafeFd(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
              STATX_INO, &facts) != 0) {
    return FailSystem("look at '" + link.text + "'", errno);
  }
  program.device = makedev(facts.stx_dev_major, facts.stx_dev_minor);
  program.inode = facts.stx_ino;
  program.path = std::move(link.text);
  // It was there all the time, so that the number meant it all the time.
  if (IsOver(program.process)) return std::optional<RunningProgram>();
  return std::optional<RunningProgram>(std::move(program));
}

int Kill(const RunningProgram& program) {
  return ::syscall(SYS_pidfd_send_signal, program.process.UnsafeFd(), SIGKILL,
                   nullptr, 0) == 0
             ? 0
             : errno;
}

bool IsNamedAsInMemory(pid_t pid) {
  return LinkOf(pid).text.starts_with(kMemoryPrefix);
}

std::vector<pid_t> AllProcesses() { return NumbersIn("/proc"); }

MemoryFileSystems MemoryFileSystems::Find() {
  MemoryFileSystems found;
  const auto add = [&found](unsigned int flags) {
    UniqueFd file(::memfd_create("gatehouse", MFD_CLOEXEC | flags));
    if (!file.valid()) {  // Those that may be executed can be forbidden.
      file.Reset(
          ::memfd_create("gatehouse", MFD_CLOEXEC | kNotExecutable | flags));
    }
    struct stat facts = {};
    if (file.valid() && ::fstat(file.UnsafeFd(), &facts) == 0) {
      found.devices_.push_back(facts.st_dev);
    }
  };
  add(0);
  // Each size has a file system of its own.
  for (unsigned int bits = kHugePageBitsMin; bits <= kHugePageBitsMax; ++bits) {
    add(MFD_HUGETLB | (bits << MAP_HUGE_SHIFT));
  }
  return found;
}

bool MemoryFileSystems::Contains(dev_t device) const {
  return std::find(devices_.begin(), devices_.end(), device) != devices_.end();
}

}  // namespace gatehouse
