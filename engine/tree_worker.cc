#include "engine/tree_worker.h"

#include <fcntl.h>

#include <cassert>
#include <cerrno>
#include <utility>

namespace gatehouse {

// A piece of work splits itself in halves until it is small, so that idle
// threads find something to steal early. Pieces never wait for one another:
// there is no recursion, and the stack is as flat in a tree of depth 5,000 as
// in one of depth 5. A directory with very many entries is listed in several
// pieces, each of which leaves the rest to the next: what waits at any time is
// a few thousand names per level of the paths at hand.

namespace {

// Few, because one of them may be huge while another core has nothing to do.
constexpr size_t kFilesPerWork = 8;
// Names that one piece of listing collects before it leaves the rest.
constexpr size_t kNameBytesPerListing = size_t{16} << 10;

std::unique_ptr<TreeWork> MakeWork(TreeWorkKind kind,
                                   const DirectoryRef& directory) {
  auto work = std::make_unique<TreeWork>();
  work->kind = kind;
  work->directory = directory;
  return work;
}

// Hands the later half of `work` to any worker.
void SpawnHalf(TreeWork& work, const TreeScan& scan) {
  auto half = MakeWork(work.kind, work.directory);
  half->names = work.names.SplitOff();
  scan.spawn(std::move(half));
}

bool IsOnOtherDevice(const DirectoryRef& directory) {
  const DirectoryRef& parent = directory->parent;
  return !parent.valid() ||
         parent->identity.device != directory->identity.device;
}

}  // namespace

Verdict VerdictOfOpenError(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:  // A directory on the way became something else.
    case ESTALE:   // Another one took its name.
      return Verdict::NotScanned(NotScannedReason::kVanished);
    case ELOOP:  // A symbolic link took the name.
    case ENXIO:  // A socket did.
      return Verdict::NotScanned(NotScannedReason::kNotRegularFile);
    default:
      return Verdict::FromErrno(error_number);
  }
}

TreeWorker::TreeWorker(std::unique_ptr<Scanner> scanner, size_t descriptors_max)
    : scanner_(std::move(scanner)), open_directories_(descriptors_max) {
  assert(scanner_ != nullptr);
}

void TreeWorker::Run(TreeWork& work, const TreeScan& scan) {
  if (scan.limits.cancel.stop_requested()) return;
  switch (work.kind) {
    case TreeWorkKind::kList:
      List(work, scan);
      return;
    case TreeWorkKind::kEnter:
      Enter(work, scan);
      return;
    case TreeWorkKind::kJudge:
      JudgeAll(work, scan);
      return;
  }
}

CorpusCounts TreeWorker::Finish() {
  open_directories_.Clear();
  path_of_ = DirectoryRef();
  return std::exchange(counts_, {});
}

void TreeWorker::List(const TreeWork& work, const TreeScan& scan) {
  const DirectoryRef& directory = work.directory;
  const bool is_first = work.position == 0;
  const OpenedDirectory opened =
      open_directories_.Open(directory, scan.root_fd);
  int error_number = opened.error_number;
  if (error_number == 0 && !is_first) {
    error_number = DirectoryReader::SeekTo(opened.unsafe_fd, work.position);
  }
  if (error_number != 0) {
    ReportDirectory(directory, VerdictOfOpenError(error_number), scan);
    return;
  }
  if (is_first && IsOnOtherDevice(directory) &&
      IsOnPseudoFileSystem(opened.unsafe_fd)) {
    ReportDirectory(directory,
                    Verdict::NotScanned(NotScannedReason::kPseudoFileSystem),
                    scan);
    return;
  }
  if (is_first) ++counts_.directories;

  auto to_enter = MakeWork(TreeWorkKind::kEnter, directory);
  TreeWork to_judge{TreeWorkKind::kJudge, directory, {}, 0};
  UsePathOf(directory);
  if (Collect(opened.unsafe_fd, *to_enter, to_judge, scan)) {
    // First in, so that this thread does it last and others steal it first.
    auto rest = MakeWork(TreeWorkKind::kList, directory);
    rest->position = reader_.position();
    scan.spawn(std::move(rest));
  }
  if (to_enter->names.count() != 0) scan.spawn(std::move(to_enter));
  JudgeAll(to_judge, scan);
}

// Reads entries until there are enough. Returns true if more may follow.
bool TreeWorker::Collect(int fd, TreeWork& to_enter, TreeWork& to_judge,
                         const TreeScan& scan) {
  while (to_enter.names.bytes() + to_judge.names.bytes() <
         kNameBytesPerListing) {
    if (scan.limits.cancel.stop_requested()) return false;
    const int error_number = reader_.Fill(fd);
    if (error_number != 0) {
      ReportDirectory(to_enter.directory, VerdictOfOpenError(error_number),
                      scan);
      return false;
    }
    if (!reader_.is_filled()) return false;
    DirectoryEntry entry;
    while (reader_.Next(entry)) Sort(fd, entry, to_enter, to_judge, scan);
  }
  return true;
}

void TreeWorker::Sort(int fd, DirectoryEntry entry, TreeWork& to_enter,
                      TreeWork& to_judge, const TreeScan& scan) {
  if (entry.type == EntryType::kUnknown) {
    const int error_number = FindEntryType(fd, entry.name.data(), entry.type);
    if (error_number != 0) {
      Report(PathOfEntry(entry.name), VerdictOfOpenError(error_number), scan);
      return;
    }
  }
  switch (entry.type) {
    case EntryType::kFile:
      to_judge.names.Add(entry.name);
      return;
    case EntryType::kDirectory:
      to_enter.names.Add(entry.name);
      return;
    case EntryType::kSymbolicLink:
      ++counts_.symbolic_links;
      return;
    case EntryType::kOther:
    case EntryType::kUnknown:
      Report(PathOfEntry(entry.name),
             Verdict::NotScanned(NotScannedReason::kNotRegularFile), scan);
      return;
  }
}

void TreeWorker::Enter(TreeWork& work, const TreeScan& scan) {
  while (work.names.count() > 1) SpawnHalf(work, scan);
  const std::string_view name = work.names.UnsafeFront();
  List(
      {TreeWorkKind::kList, work.directory.MakeChild(std::string(name)), {}, 0},
      scan);
}

void TreeWorker::JudgeAll(TreeWork& work, const TreeScan& scan) {
  if (work.names.count() == 0) return;
  while (work.names.count() > kFilesPerWork) SpawnHalf(work, scan);
  const OpenedDirectory opened =
      open_directories_.Open(work.directory, scan.root_fd);
  UsePathOf(work.directory);
  work.names.ForEach([&](std::string_view name) {
    if (scan.limits.cancel.stop_requested()) return;
    if (opened.error_number != 0) {
      Report(PathOfEntry(name), VerdictOfOpenError(opened.error_number), scan);
    } else {
      JudgeEntry(opened.unsafe_fd, name, scan);
    }
  });
}

void TreeWorker::JudgeEntry(int directory_fd, std::string_view name,
                            const TreeScan& scan) {
  int fd = -1;
  do {
    fd = ::openat(directory_fd, name.data(),
                  O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    Report(PathOfEntry(name), VerdictOfOpenError(errno), scan);
  } else {
    Judge(UniqueFd(fd), PathOfEntry(name), scan);
  }
}

void TreeWorker::Judge(UniqueFd fd, std::string_view path,
                       const TreeScan& scan) {
  const Verdict verdict = scanner_->Scan(fd.UnsafeFd(), scan.limits);
  FileEvent event;
  event.file = ScanFile(std::move(fd));
  event.unsafe_path = path;
  Deliver(std::move(event), verdict, scan);
}

void TreeWorker::Report(std::string_view path, const Verdict& verdict,
                        const TreeScan& scan) {
  FileEvent event;
  event.unsafe_path = path;
  Deliver(std::move(event), verdict, scan);
}

void TreeWorker::ReportDirectory(const DirectoryRef& directory,
                                 const Verdict& verdict, const TreeScan& scan) {
  UsePathOf(directory);
  std::string_view path(path_.data(), directory_path_bytes_);
  if (path.size() > 1) path.remove_suffix(1);  // The '/', but not of "/".
  Report(path, verdict, scan);
}

void TreeWorker::Deliver(FileEvent event, const Verdict& verdict,
                         const TreeScan& scan) {
  counts_.bytes_scanned += verdict.bytes_scanned;
  switch (verdict.kind) {
    case VerdictKind::kInfected:
    case VerdictKind::kSuspicious:
      ++counts_.threats;
      ++counts_.files_scanned;
      break;
    case VerdictKind::kClean:
      ++counts_.files_scanned;
      if (!verdict.allowed_by.empty()) ++counts_.allowed;
      break;
    case VerdictKind::kNotScanned:
      ++counts_.not_scanned;
      break;
    case VerdictKind::kError:
      ++counts_.errors;
      break;
  }
  scan.sink.OnVerdict(std::move(event), verdict);
}

void TreeWorker::UsePathOf(const DirectoryRef& directory) {
  if (path_of_.IsSame(directory)) return;
  directory.WritePath(path_);
  directory_path_bytes_ = path_.size();
  path_of_ = directory;
}

std::string_view TreeWorker::PathOfEntry(std::string_view name) {
  path_.resize(directory_path_bytes_);
  path_ += name;
  return path_;
}

}  // namespace gatehouse
