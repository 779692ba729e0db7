// What is mounted, as the kernel's text says (proc_pid_mountinfo(5)), and what
// a type of file system means for whoever asks it something.
//
// Thread-safe: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

struct MountedFileSystem {
  std::string mount_point;  // Bytes, unescaped.
  std::string type;         // "ext4"
  std::string device;       // "8:1"
  uint64_t id = 0;          // Used again after an unmount.
  uint64_t parent_id = 0;   // What it is mounted on.
  std::string root;         // What of the file system is there: "/"
  std::string source;       // "/dev/vda"; empty: unknown.
};

// Parses the text, in order: what is mounted on comes before what is mounted
// there. Lines that do not fit the format are left out.
[[nodiscard]] std::vector<MountedFileSystem> ParseMountInfo(
    std::string_view text);

// True for file systems whose server may hang: FUSE, NFS, CIFS and their like.
// Asked for permission there, we would hang with it.
[[nodiscard]] bool MayHang(std::string_view file_system_type);

// True for the types that are known to answer statfs(2) from memory: they have
// no server, and nothing below them that might.
[[nodiscard]] bool AnswersFromMemory(std::string_view file_system_type);

}  // namespace gatehouse
