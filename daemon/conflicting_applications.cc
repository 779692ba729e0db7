#include "daemon/conflicting_applications.h"

#include <fcntl.h>
#include <linux/fanotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/number_entries.h"
#include "base/unique_fd.h"

namespace gatehouse {
namespace {

constexpr uint64_t kHolding =
    FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM | FAN_ACCESS_PERM;
constexpr std::string_view kGroupLink = "anon_inode:[fanotify]";
// A group with more marks than fit is judged by the first of them.
constexpr size_t kFdInfoBytesMax = 16384;
constexpr size_t kNameBytesMax = 64;

std::string ReadShortFile(const std::string& path, size_t bytes_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(bytes_max, '\0');
  const ssize_t count =
      fd.valid() ? ::read(fd.UnsafeFd(), text.data(), text.size()) : 0;
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

bool IsGroup(const std::string& link) {
  std::array<char, kGroupLink.size() + 1> target = {};
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length > 0 &&
         std::string_view(target.data(), static_cast<size_t>(length)) ==
             kGroupLink;
}

bool ProcessHoldsOpens(const std::string& process) {
  const std::vector<int> fds = NumbersIn(process + "/fd");
  return std::any_of(fds.begin(), fds.end(), [&](int fd) {
    const std::string number = std::to_string(fd);
    return IsGroup(process + "/fd/" + number) &&
           HoldsOpens(
               ReadShortFile(process + "/fdinfo/" + number, kFdInfoBytesMax));
  });
}

std::string NameOf(const std::string& process) {
  std::string name = ReadShortFile(process + "/comm", kNameBytesMax);
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name;
}

}  // namespace

bool HoldsOpens(std::string_view fdinfo) {
  while (!fdinfo.empty()) {
    const size_t end = std::min(fdinfo.find('\n'), fdinfo.size());
    const std::string_view line = fdinfo.substr(0, end);
    fdinfo.remove_prefix(std::min(end + 1, fdinfo.size()));
    // "fanotify sdev:800003 mflags:0 mask:11000 ignored_mask:0"
    constexpr std::string_view kMask = " mask:";
    const size_t begin = line.find(kMask);
    if (!line.starts_with("fanotify ") || begin == std::string_view::npos) {
      continue;
    }
    const std::string_view digits = line.substr(begin + kMask.size());
    uint64_t mask = 0;
    (void)std::from_chars(digits.data(), digits.data() + digits.size(), mask,
                          16);
    if ((mask & kHolding) != 0) return true;
  }
  return false;
}

std::vector<std::string> FindConflictingApplications() {
  std::vector<std::string> found;
  std::vector<int> pids = NumbersIn("/proc");
  // The youngest are named when there are too many: about that order.
  std::sort(pids.rbegin(), pids.rend());
  for (const int pid : pids) {
    if (found.size() == kConflictingApplicationsMax) break;
    if (pid == ::getpid() || pid == ::getppid()) continue;
    const std::string process = "/proc/" + std::to_string(pid);
    if (!ProcessHoldsOpens(process)) continue;
    found.push_back(NameOf(process) + " (" + std::to_string(pid) + ")");
  }
  return found;
}

}  // namespace gatehouse
