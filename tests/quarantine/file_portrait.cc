#include "tests/quarantine/file_portrait.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace gatehouse {
namespace {

constexpr uint32_t kChangeableFlags =
    FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL |
    FS_NOCOW_FL | FS_COMPR_FL | FS_NOCOMP_FL;

void ReadContent(int fd, FilePortrait& portrait) {
  std::array<char, 65536> block = {};
  ssize_t got = 0;
  while ((got = ::read(fd, block.data(), block.size())) > 0) {
    portrait.content.append(block.data(), static_cast<size_t>(got));
  }
  EXPECT_EQ(got, 0);
  off_t position = 0;
  while ((position = ::lseek(fd, position, SEEK_DATA)) >= 0) {
    const off_t end = ::lseek(fd, position, SEEK_HOLE);
    EXPECT_GT(end, position);
    portrait.extents.emplace_back(position, end);
    position = end;
  }
}

void ReadAttributes(int fd, FilePortrait& portrait) {
  std::vector<char> names(65536);
  const ssize_t length = ::flistxattr(fd, names.data(), names.size());
  for (ssize_t at = 0; at < length;) {
    const char* name = names.data() + at;
    std::vector<char> value(65536);
    const ssize_t bytes = ::fgetxattr(fd, name, value.data(), value.size());
    EXPECT_GE(bytes, 0) << name;
    portrait.attributes[name].assign(value.data(), static_cast<size_t>(bytes));
    at += static_cast<ssize_t>(std::strlen(name)) + 1;
  }
}

}  // namespace

FilePortrait PortraitOf(const std::string& path) {
  FilePortrait portrait;
  const int fd = ::open(
      path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
  EXPECT_GE(fd, 0) << path;
  struct stat facts = {};
  EXPECT_EQ(::fstat(fd, &facts), 0);
  portrait.mode = facts.st_mode;
  portrait.uid = facts.st_uid;
  portrait.gid = facts.st_gid;
  portrait.atime = {facts.st_atim.tv_sec, facts.st_atim.tv_nsec};
  portrait.mtime = {facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec};
  ReadContent(fd, portrait);
  ReadAttributes(fd, portrait);
  unsigned int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
    portrait.flags = flags & kChangeableFlags;
  }
  fsxattr extended = {};
  if (::ioctl(fd, FS_IOC_FSGETXATTR, &extended) == 0) {
    portrait.project = extended.fsx_projid;
  }
  EXPECT_EQ(::close(fd), 0);
  return portrait;
}

std::string Differences(const FilePortrait& one, const FilePortrait& other) {
  std::string differences;
  const auto compare = [&differences](bool is_same, const char* what) {
    if (!is_same) differences += std::string(what) + "; ";
  };
  compare(one.content == other.content, "content");
  compare(one.extents == other.extents, "holes");
  compare(one.mode == other.mode, "mode");
  compare(one.uid == other.uid && one.gid == other.gid, "owner");
  compare(one.atime == other.atime, "atime");
  compare(one.mtime == other.mtime, "mtime");
  compare(one.attributes == other.attributes, "attributes");
  compare(one.flags == other.flags, "flags");
  compare(one.project == other.project, "project");
  return differences;
}

}  // namespace gatehouse
