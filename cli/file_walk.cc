#include "cli/file_walk.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "base/display_text.h"
#include "engine/directory_node.h"
#include "engine/directory_reader.h"
#include "engine/open_directories.h"
#include "engine/tree_worker.h"

namespace gatehouse {
namespace {

// As many levels of the tree as are open at a time.
constexpr size_t kOpenDirectoriesMax = 32;

Verdict NotRegular() {
  return Verdict::NotScanned(NotScannedReason::kNotRegularFile);
}

// A directory of which the entries from `position` on are still to be read,
// after the sub-directories found so far.
struct PendingDirectory {
  DirectoryRef directory;
  int64_t position = 0;  // 0: not begun.
  bool is_read = false;
  std::vector<std::string> to_enter;
};

class TreeWalk {
 public:
  TreeWalk(const FileWalkCallbacks& callbacks, int root_fd)
      : callbacks_(callbacks), root_fd_(root_fd) {}

  Result<FileWalkCounts> Run(DirectoryRef root) {
    pending_.push_back({std::move(root), 0, false, {}});
    while (!pending_.empty()) {
      const Result<bool> is_fine = Step();
      if (!is_fine) return Unexpected(is_fine.error());
    }
    return counts_;
  }

 private:
  // Depth first: what was found last is looked at first.
  Result<bool> Step() {
    PendingDirectory& top = pending_.back();
    if (!top.to_enter.empty()) {
      DirectoryRef child =
          top.directory.MakeChild(std::move(top.to_enter.back()));
      top.to_enter.pop_back();
      pending_.push_back({std::move(child), 0, false, {}});
      return true;
    }
    if (top.is_read) {
      pending_.pop_back();
      return true;
    }
    const Result<bool> is_fine = callbacks_.on_progress();
    if (!is_fine) return is_fine;
    return ReadBuffer(top);
  }

  // Reads one buffer of entries: files are handed over, directories noted.
  Result<bool> ReadBuffer(PendingDirectory& top) {
    const OpenedDirectory opened =
        open_directories_.Open(top.directory, root_fd_);
    int error_number = opened.error_number;
    if (error_number == 0 && top.position == 0 &&
        IsToBeLeftOut(top.directory, opened.unsafe_fd)) {
      top.is_read = true;
      return true;
    }
    if (error_number == 0) {
      error_number = DirectoryReader::SeekTo(opened.unsafe_fd, top.position);
    }
    if (error_number == 0) error_number = reader_.Fill(opened.unsafe_fd);
    if (error_number != 0) {
      callbacks_.on_problem(PathOf(top.directory),
                            VerdictOfOpenError(error_number));
      top.is_read = true;
      return true;
    }
    if (top.position == 0) ++counts_.directories;
    top.is_read = !reader_.is_filled();
    DirectoryEntry entry;
    while (reader_.Next(entry)) {
      const Result<bool> is_fine = Sort(opened.unsafe_fd, entry, top);
      if (!is_fine) return is_fine;
    }
    top.position = reader_.position();
    return true;
  }

  bool IsToBeLeftOut(const DirectoryRef& directory, int unsafe_fd) {
    const DirectoryRef& parent = directory->parent;
    const bool is_on_other_device =
        !parent.valid() ||
        parent->identity.device != directory->identity.device;
    if (!is_on_other_device || !IsOnPseudoFileSystem(unsafe_fd)) return false;
    callbacks_.on_problem(
        PathOf(directory),
        Verdict::NotScanned(NotScannedReason::kPseudoFileSystem));
    return true;
  }

  Result<bool> Sort(int directory_fd, DirectoryEntry entry,
                    PendingDirectory& top) {
    if (entry.type == EntryType::kUnknown) {
      const int error_number =
          FindEntryType(directory_fd, entry.name.data(), entry.type);
      if (error_number != 0) {
        callbacks_.on_problem(PathOf(top.directory, entry.name),
                              VerdictOfOpenError(error_number));
        return true;
      }
    }
    switch (entry.type) {
      case EntryType::kFile:
        return HandOver(directory_fd, entry.name, top.directory);
      case EntryType::kDirectory:
        top.to_enter.emplace_back(entry.name);
        return true;
      case EntryType::kSymbolicLink:
        ++counts_.symbolic_links;
        return true;
      case EntryType::kOther:
      case EntryType::kUnknown:
        callbacks_.on_problem(PathOf(top.directory, entry.name), NotRegular());
        return true;
    }
    return true;
  }

  Result<bool> HandOver(int directory_fd, std::string_view name,
                        const DirectoryRef& directory) {
    std::string path = PathOf(directory, name);
    WalkedFile file{UniqueFd(::openat(directory_fd, name.data(),
                                      O_PATH | O_NOFOLLOW | O_CLOEXEC)),
                    {},
                    0};
    struct stat status = {};
    if (!file.fd.valid() || ::fstat(file.fd.UnsafeFd(), &status) != 0) {
      callbacks_.on_problem(std::move(path), VerdictOfOpenError(errno));
      return true;
    }
    if (!S_ISREG(status.st_mode)) {  // Something else took its name.
      callbacks_.on_problem(std::move(path), NotRegular());
      return true;
    }
    file.path = std::move(path);
    file.bytes = static_cast<uint64_t>(status.st_size);
    return callbacks_.on_file(std::move(file));
  }

  static std::string PathOf(const DirectoryRef& directory,
                            std::string_view name) {
    std::string path;
    directory.WritePath(path);
    path += name;
    return path;
  }

  static std::string PathOf(const DirectoryRef& directory) {
    std::string path = PathOf(directory, "");
    if (path.size() > 1) path.pop_back();  // The '/', but not of "/".
    return path;
  }

  const FileWalkCallbacks& callbacks_;
  const int root_fd_;
  OpenDirectories open_directories_{kOpenDirectoriesMax};
  DirectoryReader reader_;
  std::vector<PendingDirectory> pending_;
  FileWalkCounts counts_;
};

Result<FileWalkCounts> WalkTree(const std::string& path, const UniqueFd& fd,
                                const struct stat& status,
                                const FileWalkCallbacks& callbacks) {
  const UniqueFd root(
      ::openat(fd.UnsafeFd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) {
    return FailSystem("scan '" + DisplayText(path) + "'", errno);
  }
  std::string shown = path;
  while (shown.ends_with('/')) shown.pop_back();
  DirectoryRef directory = DirectoryRef::MakeRoot(std::move(shown));
  directory->identity = {status.st_dev, status.st_ino};
  directory->is_identified = true;
  return TreeWalk(callbacks, root.UnsafeFd()).Run(std::move(directory));
}

}  // namespace

Result<FileWalkCounts> WalkFiles(const std::string& path,
                                 const FileWalkCallbacks& callbacks) {
  // Nothing is opened but the name: a FIFO or a device does not notice.
  UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status = {};
  if (!fd.valid() || ::fstat(fd.UnsafeFd(), &status) != 0) {
    return FailSystem("scan '" + DisplayText(path) + "'", errno);
  }
  if (S_ISDIR(status.st_mode)) return WalkTree(path, fd, status, callbacks);
  if (!S_ISREG(status.st_mode)) {
    callbacks.on_problem(path, NotRegular());
  } else if (IsOnPseudoFileSystem(fd.UnsafeFd())) {
    callbacks.on_problem(
        path, Verdict::NotScanned(NotScannedReason::kPseudoFileSystem));
  } else {
    const Result<bool> is_fine = callbacks.on_file(
        {std::move(fd), path, static_cast<uint64_t>(status.st_size)});
    if (!is_fine) return Unexpected(is_fine.error());
  }
  return FileWalkCounts{};
}

}  // namespace gatehouse
