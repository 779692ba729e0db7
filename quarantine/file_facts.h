// FileFacts: what is known of a file beside its content.
//
// Plain values; thread-compatible; they own their bytes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

// No file is longer: off_t ends here.
inline constexpr uint64_t kFileSizeMax = INT64_MAX;

// A time of a file, as the file system keeps it.
struct FileTime {
  int64_t sec = 0;   // Since 1970.
  int64_t nsec = 0;  // 0 .. 999999999.

  bool operator==(const FileTime&) const = default;
};

struct FileFacts {
  // Identity. No path: see docs/decisions/0004.
  uint64_t dev = 0;
  uint64_t inode = 0;
  int32_t handle_type = 0;
  std::string handle;  // Bytes of the file handle; empty where there is none.
  FileTime btime;      // Of birth; zero where the file system keeps none.

  uint64_t size = 0;  // Bytes, holes included.
  uint32_t mode = 0;  // Type and permissions: st_mode.
  uint32_t uid = 0;
  uint32_t gid = 0;
  FileTime atime;
  FileTime mtime;
  FileTime ctime;
  uint64_t nlink = 0;
  uint32_t inode_flags = 0;  // FS_IOC_GETFLAGS: immutable, append only, ...
  uint32_t project_id = 0;   // For quotas; 0 where there are none.
  // Name and value, both bytes, in the order they were read.
  std::vector<std::pair<std::string, std::string>> xattrs;

  bool operator==(const FileFacts&) const = default;
};

}  // namespace gatehouse
