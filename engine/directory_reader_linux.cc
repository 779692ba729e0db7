#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "engine/directory_reader.h"

namespace gatehouse {
namespace {

constexpr size_t kBufferBytes = size_t{32} << 10;

EntryType TypeOf(unsigned char kernel_type) {
  switch (kernel_type) {
    case DT_REG:
      return EntryType::kFile;
    case DT_DIR:
      return EntryType::kDirectory;
    case DT_LNK:
      return EntryType::kSymbolicLink;
    case DT_UNKNOWN:
      return EntryType::kUnknown;
    default:
      return EntryType::kOther;
  }
}

// Not in <linux/magic.h> of every kernel we build on.
constexpr uint64_t kFuseControlMagic = 0x65735543;
constexpr uint64_t kConfigFsMagic = 0x62656570;
constexpr uint64_t kMessageQueueMagic = 0x19800202;
constexpr uint64_t kRpcPipeFsMagic = 0x67596969;
constexpr uint64_t kNfsdMagic = 0x6e667364;

constexpr std::array<uint64_t, 23> kPseudoFileSystems = {
    PROC_SUPER_MAGIC,    SYSFS_MAGIC,        CGROUP_SUPER_MAGIC,
    CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,      TRACEFS_MAGIC,
    SECURITYFS_MAGIC,    BPF_FS_MAGIC,       PSTOREFS_MAGIC,
    EFIVARFS_MAGIC,      kConfigFsMagic,     DEVPTS_SUPER_MAGIC,
    kFuseControlMagic,   kMessageQueueMagic, BINFMTFS_MAGIC,
    SELINUX_MAGIC,       NSFS_MAGIC,         RDTGROUP_SUPER_MAGIC,
    AAFS_MAGIC,          SMACK_MAGIC,        BINDERFS_SUPER_MAGIC,
    kRpcPipeFsMagic,     kNfsdMagic,
};

}  // namespace

DirectoryReader::DirectoryReader()
    : buffer_(std::make_unique<char[]>(kBufferBytes)) {}

int DirectoryReader::Fill(int fd) {
  filled_bytes_ = 0;
  next_ = 0;
  const ssize_t count = ::getdents64(fd, buffer_.get(), kBufferBytes);
  if (count < 0) return errno;
  filled_bytes_ = static_cast<size_t>(count);
  return 0;
}

bool DirectoryReader::Next(DirectoryEntry& entry) {
  while (next_ < filled_bytes_) {
    // Copied, not cast: the kernel's records are 8-byte aligned, the rules of
    // the language are satisfied all the same.
    const char* const record = buffer_.get() + next_;
    decltype(dirent64::d_off) offset = 0;
    decltype(dirent64::d_reclen) length = 0;
    decltype(dirent64::d_type) type = DT_UNKNOWN;
    std::memcpy(&offset, record + offsetof(dirent64, d_off), sizeof(offset));
    std::memcpy(&length, record + offsetof(dirent64, d_reclen), sizeof(length));
    std::memcpy(&type, record + offsetof(dirent64, d_type), sizeof(type));
    assert(length > offsetof(dirent64, d_name));
    assert(length <= filled_bytes_ - next_);
    next_ += length;
    position_ = offset;
    entry.name = std::string_view(record + offsetof(dirent64, d_name));
    entry.type = TypeOf(type);
    if (entry.name != "." && entry.name != "..") return true;
  }
  return false;
}

int DirectoryReader::SeekTo(int fd, int64_t position) {
  return ::lseek(fd, position, SEEK_SET) < 0 ? errno : 0;
}

int FindEntryType(int directory_fd, const char* name, EntryType& type) {
  struct stat status = {};
  if (::fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno;
  }
  if (S_ISREG(status.st_mode)) {
    type = EntryType::kFile;
  } else if (S_ISDIR(status.st_mode)) {
    type = EntryType::kDirectory;
  } else if (S_ISLNK(status.st_mode)) {
    type = EntryType::kSymbolicLink;
  } else {
    type = EntryType::kOther;
  }
  return 0;
}

bool IsOnPseudoFileSystem(int fd) {
  struct statfs status = {};
  if (::fstatfs(fd, &status) != 0) return false;
  // The type of f_type differs between architectures; magics have 32 bits.
  const uint64_t magic = static_cast<uint64_t>(status.f_type) & 0xffffffffU;
  return std::find(kPseudoFileSystems.begin(), kPseudoFileSystems.end(),
                   magic) != kPseudoFileSystems.end();
}

}  // namespace gatehouse
