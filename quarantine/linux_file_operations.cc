#include "quarantine/linux_file_operations.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "quarantine/linux_file_facts.h"

namespace gatehouse {
namespace {

// statfs(2), f_type.
constexpr std::array<long, 5> kFileSystemsThatHang = {
    0x65735546,                      // FUSE
    0x6969,                          // NFS
    static_cast<long>(0xFF534D42U),  // CIFS
    static_cast<long>(0xFE534D42U),  // SMB2
    0x01021997,                      // 9P
};

std::string ProcPath(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

Result<bool> Done(int result, const char* what, const std::string& name) {
  if (result == 0) return true;
  const int error_number = errno;
  return FailSystem(std::string(what) + " '" + name + "'", error_number);
}

Result<UniqueFd> Opened(int fd, const char* what, const std::string& name) {
  if (fd >= 0) return UniqueFd(fd);
  const int error_number = errno;
  return FailSystem(std::string(what) + " '" + name + "'", error_number);
}

// A directory that lies on device `device`, from /proc/self/mountinfo.
UniqueFd OpenMountOf(uint64_t device) {
  std::ifstream mounts("/proc/self/mountinfo");
  std::string line;
  while (std::getline(mounts, line)) {
    std::istringstream words(line);
    std::string id;
    std::string parent;
    std::string device_text;
    std::string root;
    std::string mount_point;
    words >> id >> parent >> device_text >> root >> mount_point;
    const std::string wanted = std::to_string(gnu_dev_major(device)) + ":" +
                               std::to_string(gnu_dev_minor(device));
    // A mount of a single file cannot be opened as a directory; another one
    // may do. Escaped names fail to open and are passed over likewise.
    if (device_text != wanted) continue;
    UniqueFd fd(::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC |
                                                O_NOFOLLOW | O_NONBLOCK));
    struct stat facts = {};
    if (fd.valid() && ::fstat(fd.UnsafeFd(), &facts) == 0 &&
        facts.st_dev == device) {
      return fd;
    }
  }
  return {};
}

// The kernel takes no such descriptor to say which file system is meant.
bool IsPathOnly(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_PATH) != 0;
}

uint64_t DeviceOf(int fd) {
  struct stat facts = {};
  return ::fstat(fd, &facts) == 0 ? facts.st_dev : 0;
}

struct CloseDirectory {
  void operator()(DIR* stream) const { (void)::closedir(stream); }
};

}  // namespace

// --- Opening ----------------------------------------------------------------

Result<UniqueFd> LinuxFileOperations::OpenStateDirectory(
    const std::string& path) {
  return Opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                "open", path);
}

Result<UniqueFd> LinuxFileOperations::OpenDirectory(const std::string& path) {
  open_how how = {};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const auto fd = static_cast<int>(
      ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how)));
  return Opened(fd, "open directory", path);
}

// What is mounted over the parent is not the parent, and may hang.
Result<UniqueFd> LinuxFileOperations::OpenDirectoryIn(int directory,
                                                      const std::string& name) {
  open_how how = {};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = name == ".." ? RESOLVE_NO_XDEV : 0;
  const auto fd = static_cast<int>(
      ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof(how)));
  return Opened(fd, "open directory", name);
}

Result<UniqueFd> LinuxFileOperations::OpenFileIn(int directory,
                                                 const std::string& name) {
  const int fd =
      ::openat(directory, name.c_str(),
               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  return Opened(fd, "open", name);
}

Result<UniqueFd> LinuxFileOperations::Reopen(int fd) {
  const std::string path = ProcPath(fd);
  return Opened(
      ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY),
      "open", path);
}

Result<UniqueFd> LinuxFileOperations::OpenByHandle(const FileFacts& facts,
                                                   int hint) {
  if (facts.handle.empty()) {
    return Fail(ErrorCode::kNotSupported, "the file system has no handles");
  }
  UniqueFd mount;
  if (hint < 0 || IsPathOnly(hint)) {
    mount = OpenMountOf(hint < 0 ? facts.dev : DeviceOf(hint));
    if (!mount.valid()) {
      return Fail(ErrorCode::kNotSupported, "its file system is not mounted");
    }
    hint = mount.UnsafeFd();
  }
  FileHandle handle(facts);
  const int fd =
      ::open_by_handle_at(hint, handle.get(), O_PATH | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ESTALE) {
    return Unexpected(Error{ErrorCode::kNotFound,
                            "open by handle: the file is gone", ESTALE});
  }
  return Opened(fd, "open by handle", facts.handle.empty() ? "" : "file");
}

Result<UniqueFd> LinuxFileOperations::Duplicate(int fd) {
  return Opened(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "duplicate", ProcPath(fd));
}

// --- Content ----------------------------------------------------------------

Result<size_t> LinuxFileOperations::Read(int fd, uint64_t offset,
                                         MutableByteView bytes) {
  const ssize_t got =
      ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (got < 0) return FailSystem("read", errno);
  return static_cast<size_t>(got);
}

Result<size_t> LinuxFileOperations::Write(int fd, uint64_t offset,
                                          ByteView bytes) {
  const ssize_t count =
      ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (count <= 0) return FailSystem("write", count < 0 ? errno : EIO);
  return static_cast<size_t>(count);
}

Result<bool> LinuxFileOperations::SetSize(int fd, uint64_t size) {
  return Done(::ftruncate(fd, static_cast<off_t>(size)), "give a size to",
              ProcPath(fd));
}

Result<bool> LinuxFileOperations::Allocate(int fd, uint64_t bytes) {
  return Done(::fallocate(fd, 0, 0, static_cast<off_t>(bytes)),
              "allocate space for", ProcPath(fd));
}

// SEEK_DATA moves the file's offset, which is somebody else's: it is put back.
std::optional<FileExtent> LinuxFileOperations::NextData(int fd, uint64_t from,
                                                        uint64_t size) {
  if (from >= size) return std::nullopt;
  const off_t before = ::lseek(fd, 0, SEEK_CUR);
  const off_t begin = ::lseek(fd, static_cast<off_t>(from), SEEK_DATA);
  const int error_number = errno;
  const off_t end = begin < 0 ? -1 : ::lseek(fd, begin, SEEK_HOLE);
  if (before >= 0) (void)::lseek(fd, before, SEEK_SET);  // Was valid.
  if (begin < 0 && error_number == ENXIO) return std::nullopt;
  if (begin < 0) return FileExtent{from, size};
  FileExtent extent{static_cast<uint64_t>(begin), size};
  if (end >= 0) extent.end = std::min(size, static_cast<uint64_t>(end));
  if (extent.begin >= extent.end) return std::nullopt;  // It shrank.
  return extent;
}

Result<std::string> LinuxFileOperations::PathOf(int fd) {
  std::array<char, PATH_MAX> buffer = {};
  const std::string link = ProcPath(fd);
  const ssize_t length = ::readlink(link.c_str(), buffer.data(), buffer.size());
  if (length <= 0) return FailSystem("read link '" + link + "'", errno);
  return std::string(buffer.data(), static_cast<size_t>(length));
}

// --- Facts ------------------------------------------------------------------

Result<FileFacts> LinuxFileOperations::Facts(int fd) {
  Result<FileFacts> facts = ReadIdentity(fd, "");
  if (!facts) return facts;
  const Result<bool> extended = ReadExtendedFacts(fd, *facts);
  if (!extended) return Unexpected(extended.error());
  return facts;
}

Result<FileFacts> LinuxFileOperations::Identity(int fd) {
  return ReadIdentity(fd, "");
}

Result<FileFacts> LinuxFileOperations::IdentityIn(int directory,
                                                  const std::string& name) {
  return ReadIdentity(directory, name);
}

bool LinuxFileOperations::IsOnSameMount(int directory, int other_directory) {
  const Result<uint64_t> one = ReadMountId(directory);
  const Result<uint64_t> other = ReadMountId(other_directory);
  return one && other && *one == *other;
}

Result<uint64_t> LinuxFileOperations::FreeBytes(int directory) {
  struct statvfs facts = {};
  if (::fstatvfs(directory, &facts) != 0) {
    return FailSystem("ask for the free space of the vault", errno);
  }
  return uint64_t{facts.f_bavail} * facts.f_frsize;
}

bool LinuxFileOperations::IsReadOnly(int directory) {
  struct statvfs facts = {};
  return ::fstatvfs(directory, &facts) == 0 && (facts.f_flag & ST_RDONLY) != 0;
}

bool LinuxFileOperations::MayHang(int fd) {
  struct statfs facts = {};
  if (::fstatfs(fd, &facts) != 0) return true;
  for (const long type : kFileSystemsThatHang) {
    if (facts.f_type == type) return true;
  }
  return false;
}

// --- Names ------------------------------------------------------------------

Result<bool> LinuxFileOperations::MakeDirectory(int directory,
                                                const std::string& name) {
  return Done(::mkdirat(directory, name.c_str(), S_IRWXU), "make directory",
              name);
}

Result<bool> LinuxFileOperations::RemoveDirectory(int directory,
                                                  const std::string& name) {
  return Done(::unlinkat(directory, name.c_str(), AT_REMOVEDIR),
              "remove directory", name);
}

Result<bool> LinuxFileOperations::Rename(int from_directory,
                                         const std::string& from,
                                         int to_directory,
                                         const std::string& to) {
  return Done(::renameat2(from_directory, from.c_str(), to_directory,
                          to.c_str(), RENAME_NOREPLACE),
              "rename", from);
}

Result<bool> LinuxFileOperations::Replace(int directory,
                                          const std::string& from,
                                          const std::string& to) {
  return Done(::renameat(directory, from.c_str(), directory, to.c_str()),
              "replace", to);
}

Result<bool> LinuxFileOperations::Unlink(int directory,
                                         const std::string& name) {
  return Done(::unlinkat(directory, name.c_str(), 0), "remove", name);
}

Result<UniqueFd> LinuxFileOperations::CreateUnnamed(int directory) {
  constexpr mode_t kMode = S_IRUSR | S_IWUSR;
  Result<UniqueFd> file =
      Opened(::openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kMode),
             "create a file in", ProcPath(directory));
  // The umask may have taken too much.
  if (file && ::fchmod(file->UnsafeFd(), kMode) != 0) {
    return FailSystem("create a file with mode 0600", errno);
  }
  return file;
}

Result<bool> LinuxFileOperations::Link(int fd, int directory,
                                       const std::string& name) {
  // AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH.
  const std::string path = ProcPath(fd);
  return Done(::linkat(AT_FDCWD, path.c_str(), directory, name.c_str(),
                       AT_SYMLINK_FOLLOW),
              "create", name);
}

Result<bool> LinuxFileOperations::Sync(int fd) {
  return Done(::fsync(fd), "sync", ProcPath(fd));
}

Result<std::vector<std::string>> LinuxFileOperations::List(int directory) {
  UniqueFd fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailSystem("open a directory again", errno);
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(fd.UnsafeFd()));
  if (stream == nullptr) return FailSystem("list a directory", errno);
  (void)fd.Release();  // The stream closes it.
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) return FailSystem("list a directory", errno);
  return names;
}

// --- Attributes -------------------------------------------------------------

Result<bool> LinuxFileOperations::IsOpenElsewhere(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
    (void)::fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
  }
  if (errno == EAGAIN) return true;
  return FailSystem("probe a file for other users", errno);
}

Result<bool> LinuxFileOperations::ChangeInodeFlags(int fd, uint32_t mask,
                                                   uint32_t flags) {
  return ChangeFlagsOf(fd, mask, flags);
}

Result<bool> LinuxFileOperations::ApplyFacts(int fd, const FileFacts& facts,
                                             bool with_privileges) {
  return ApplyFactsTo(fd, facts, with_privileges);
}

}  // namespace gatehouse
