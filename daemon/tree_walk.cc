#include "daemon/tree_walk.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

namespace gatehouse {
namespace {

// To read; a FIFO or a lease holds up nobody.
constexpr uint64_t kRead = O_RDONLY | O_NONBLOCK | O_NOCTTY;

// Below `directory` and nowhere else.
UniqueFd OpenBelow(int directory, const char* path, uint64_t flags) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV |
                uint64_t{RESOLVE_NO_MAGICLINKS};
  return UniqueFd(static_cast<int>(
      ::syscall(SYS_openat2, directory, path, &how, sizeof(how))));
}

// Looked at before it is opened: opening a device can have effects. The kernel
// tells most types without asking.
UniqueFd OpenRegular(int directory, const char* path) {
  struct stat status = {};
  const UniqueFd place = OpenBelow(directory, path, O_PATH);
  if (!place.valid() || ::fstat(place.UnsafeFd(), &status) != 0 ||
      !S_ISREG(status.st_mode)) {
    return {};
  }
  UniqueFd file = OpenBelow(directory, path, kRead);
  if (file.valid() &&
      (::fstat(file.UnsafeFd(), &status) != 0 || !S_ISREG(status.st_mode))) {
    file.Reset();
  }
  return file;
}

std::string Joined(const std::string& directory, std::string_view name) {
  std::string path = directory;
  if (!path.empty()) path += '/';
  path += name;
  return path;
}

}  // namespace

Result<UniqueFd> TreeWalk::OpenRoot() {
  UniqueFd root(
      ::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status = {};
  if (!root.valid() || ::fstat(root.UnsafeFd(), &status) != 0) {
    return FailSystem("open '" + root_ + "'", errno);
  }
  if (is_known_ && status.st_dev != device_) {
    return Fail(ErrorCode::kNotFound,
                "'" + root_ + "' is another file system now");
  }
  is_known_ = true;
  device_ = status.st_dev;
  return root;
}

UniqueFd TreeWalk::OpenFile(const std::string& path) {
  const Result<UniqueFd> root = OpenRoot();
  if (!root) return {};
  return OpenRegular(root->UnsafeFd(), path.c_str());
}

Result<WalkCounts> TreeWalk::Visit(const std::string& path,
                                   const Visitor& visitor,
                                   const std::stop_token& stop) {
  WalkCounts counts;
  Walk walk{visitor, stop, {path}, counts};
  while (!walk.waiting.empty() && !stop.stop_requested()) {
    const std::string current = std::move(walk.waiting.back());
    walk.waiting.pop_back();
    const Result<UniqueFd> root = OpenRoot();
    if (!root) return Unexpected(root.error());
    const UniqueFd directory =
        OpenBelow(root->UnsafeFd(), current.empty() ? "." : current.c_str(),
                  kRead | O_DIRECTORY);
    if (!directory.valid()) {
      // Where something is mounted begins another file system.
      if (errno != EXDEV && errno != ENOTDIR) ++counts.unreachable;
      continue;
    }
    ++counts.directories;
    if (!visitor.on_directory(directory.UnsafeFd(), current) ||
        !VisitEntries(directory.UnsafeFd(), current, walk)) {
      break;
    }
  }
  return counts;
}

// False: the walk is over.
bool TreeWalk::VisitEntries(int directory, const std::string& path,
                            Walk& walk) {
  while (reader_.Fill(directory) == 0 && reader_.is_filled()) {
    DirectoryEntry entry;
    while (reader_.Next(entry)) {
      if (walk.stop.stop_requested()) return false;
      const bool is_unknown = entry.type == EntryType::kUnknown;
      if (is_unknown || entry.type == EntryType::kDirectory) {
        walk.waiting.push_back(Joined(path, entry.name));
      }
      if (!is_unknown && entry.type != EntryType::kFile) continue;
      UniqueFd file = OpenRegular(directory, entry.name.data());
      if (!file.valid()) {
        if (!is_unknown && errno != EXDEV) ++walk.counts.unreachable;
        continue;
      }
      ++walk.counts.files;
      if (!walk.visitor.on_file(std::move(file), Joined(path, entry.name))) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace gatehouse
