#include "quarantine/linux_file_facts.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "quarantine/inode_flags.h"
#include "quarantine/missing_facts.h"

namespace gatehouse {
namespace {

constexpr size_t kXattrBytesMax = 65536;  // XATTR_LIST_MAX, XATTR_SIZE_MAX.
constexpr const char* kAcl = "system.posix_acl_access";

FileTime TimeOf(const statx_timestamp& time) {
  return {time.tv_sec, time.tv_nsec};
}

timespec TimespecOf(const FileTime& time) {
  timespec result = {};
  result.tv_sec = time.sec;
  result.tv_nsec = time.nsec;
  return result;
}

// Leaves the handle empty where the file system has none.
void ReadHandle(int directory, const char* name, FileFacts& facts) {
  std::array<uint64_t, (sizeof(file_handle) + MAX_HANDLE_SZ) / 8 + 1> memory =
      {};
  auto* handle = reinterpret_cast<file_handle*>(memory.data());
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  const int flags = *name == '\0' ? AT_EMPTY_PATH : 0;
  if (::name_to_handle_at(directory, name, handle, &mount_id, flags) != 0) {
    return;
  }
  facts.handle_type = handle->handle_type;
  const auto* bytes = reinterpret_cast<const char*>(handle->f_handle);
  facts.handle.assign(bytes, handle->handle_bytes);
}

Result<std::string> ReadXattr(int fd, const std::string& name) {
  std::string value(kXattrBytesMax, '\0');
  const ssize_t length =
      ::fgetxattr(fd, name.c_str(), value.data(), value.size());
  if (length < 0) return FailSystem("read attribute '" + name + "'", errno);
  value.resize(static_cast<size_t>(length));
  return value;
}

bool SetProject(int fd, uint32_t project_id) {
  fsxattr extended = {};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &extended) != 0) return project_id == 0;
  if (extended.fsx_projid == project_id) return true;
  extended.fsx_projid = project_id;
  return ::ioctl(fd, FS_IOC_FSSETXATTR, &extended) == 0;
}

}  // namespace

FileHandle::FileHandle(const FileFacts& facts)
    : memory_((sizeof(file_handle) + facts.handle.size()) / 8 + 1) {
  file_handle* handle = get();
  handle->handle_bytes = static_cast<unsigned int>(facts.handle.size());
  handle->handle_type = facts.handle_type;
  std::memcpy(handle->f_handle, facts.handle.data(), facts.handle.size());
}

file_handle* FileHandle::get() {
  return reinterpret_cast<file_handle*>(memory_.data());
}

Result<FileFacts> ReadIdentity(int directory, const std::string& name) {
  struct statx facts = {};
  const int flags = AT_SYMLINK_NOFOLLOW | (name.empty() ? AT_EMPTY_PATH : 0);
  if (::statx(directory, name.c_str(), flags, STATX_BASIC_STATS | STATX_BTIME,
              &facts) != 0) {
    const int error_number = errno;
    return FailSystem("look at '" + name + "'", error_number);
  }
  FileFacts result;
  result.dev = ::gnu_dev_makedev(facts.stx_dev_major, facts.stx_dev_minor);
  result.inode = facts.stx_ino;
  result.size = facts.stx_size;
  result.mode = facts.stx_mode;
  result.uid = facts.stx_uid;
  result.gid = facts.stx_gid;
  result.nlink = facts.stx_nlink;
  result.btime = TimeOf(facts.stx_btime);
  result.atime = TimeOf(facts.stx_atime);
  result.mtime = TimeOf(facts.stx_mtime);
  result.ctime = TimeOf(facts.stx_ctime);
  ReadHandle(directory, name.c_str(), result);
  return result;
}

Result<bool> ReadExtendedFacts(int fd, FileFacts& facts) {
  int inode_flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &inode_flags) == 0) {
    facts.inode_flags = static_cast<uint32_t>(inode_flags);
  }
  fsxattr extended = {};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &extended) == 0) {
    facts.project_id = extended.fsx_projid;
  }
  std::string names(kXattrBytesMax, '\0');
  const ssize_t length = ::flistxattr(fd, names.data(), names.size());
  if (length < 0) {
    if (errno == EOPNOTSUPP) return true;
    return FailSystem("list the attributes of a file", errno);
  }
  std::string_view rest(names.data(), static_cast<size_t>(length));
  while (!rest.empty()) {
    const std::string name(rest.substr(0, rest.find('\0')));
    rest.remove_prefix(name.size() + 1);
    Result<std::string> value = ReadXattr(fd, name);
    // Its owner took it away since it was listed.
    if (!value && value.error().error_number == ENODATA) continue;
    if (!value) return Unexpected(value.error());
    facts.xattrs.emplace_back(name, std::move(*value));
  }
  return true;
}

Result<uint64_t> ReadMountId(int fd) {
  struct statx facts = {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &facts) != 0) {
    return FailSystem("look at a mount", errno);
  }
  return facts.stx_mnt_id;
}

Result<bool> ChangeFlagsOf(int fd, uint32_t mask, uint32_t flags) {
  unsigned int now = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &now) != 0) return (flags & mask) == 0;
  const unsigned int wanted = (now & ~mask) | (flags & mask);
  if (wanted == now) return true;
  if (::ioctl(fd, FS_IOC_SETFLAGS, &wanted) == 0) return true;
  // It refuses some of them: the others one by one.
  for (unsigned int bit = 1; bit != 0; bit <<= 1U) {
    if (((wanted ^ now) & bit) == 0) continue;
    const unsigned int next = now ^ bit;
    if (::ioctl(fd, FS_IOC_SETFLAGS, &next) == 0) now = next;
  }
  return now == wanted;
}

// Owner first: changing it takes capabilities and set-id bits away. Without
// the owner they would be somebody else's; without its access list, a file's
// group bits mean more than they did.
Result<bool> ApplyFactsTo(int fd, const FileFacts& facts,
                          bool with_privileges) {
  const bool is_owned = ::fchown(fd, facts.uid, facts.gid) == 0;
  bool is_whole = SetProject(fd, facts.project_id) && is_owned;
  const bool is_privileged = with_privileges && is_owned;
  uint32_t mode = ModeGivenBack(facts.mode, is_privileged);
  for (const auto& [name, value] : facts.xattrs) {
    if (GrantsPrivileges(name) && !is_privileged) continue;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) {
      continue;
    }
    is_whole = false;
    if (name == kAcl) mode &= ~uint32_t{S_IRWXG | S_IRWXO};
  }
  is_whole = ::fchmod(fd, mode) == 0 && is_whole;
  const Result<bool> flags =
      ChangeFlagsOf(fd, kInodeFlagsAtAnyTime, facts.inode_flags);
  const std::array times = {TimespecOf(facts.atime), TimespecOf(facts.mtime)};
  is_whole = ::futimens(fd, times.data()) == 0 && is_whole;
  return flags && *flags && is_whole;
}

}  // namespace gatehouse
