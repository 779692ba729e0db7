// FilePortrait: everything that system calls tell of a file, read without a
// line of the code that is judged by it.
//
// Plain values; the functions are thread-safe and block for I/O.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

struct FilePortrait {
  std::string content;
  // Where data begins and ends, between holes.
  std::vector<std::pair<int64_t, int64_t>> extents;
  uint32_t mode = 0;  // With its type.
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::pair<int64_t, int64_t> atime;  // Seconds and nanoseconds.
  std::pair<int64_t, int64_t> mtime;
  std::map<std::string, std::string> attributes;
  uint32_t flags = 0;  // Those a user can change.
  uint32_t project = 0;

  bool operator==(const FilePortrait&) const = default;
};

// Changes nothing, not even the time of the last access. Follows no link.
FilePortrait PortraitOf(const std::string& path);
// What differs, in words; empty: nothing.
std::string Differences(const FilePortrait& one, const FilePortrait& other);

}  // namespace gatehouse
