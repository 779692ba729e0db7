// FileState: what tells one state of a file from another without reading it.
//
// Thread-safe: plain values and pure functions.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>

namespace gatehouse {

// Equal states are the same content only while nobody can write the file:
// a store into a page that is dirty already shows in none of these
// (docs/caching.md).
struct FileState {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t bytes = 0;
  int64_t modified_ns = 0;  // Since 1970, as ...
  int64_t changed_ns = 0;   // ... this: which no program can set.

  bool operator==(const FileState&) const = default;
};

[[nodiscard]] FileState StateOf(const struct stat& status);

// What one look at an open file tells.
struct FileLook {
  FileState state;
  // Nobody can open it for writing, root included, before that is taken away
  // again: immutable (chattr +i), or sealed by fs-verity.
  bool is_immutable = false;
};

// Empty if the file cannot be looked at.
[[nodiscard]] std::optional<FileLook> LookAt(int fd);

// By its owner and mode, nobody but root can open the file for writing. (A list
// of access rights shows in the mode of the group.)
[[nodiscard]] bool IsWritableByRootOnly(const struct stat& status);

[[nodiscard]] int64_t Nanoseconds(const timespec& time);

// A file whose ctime is younger than this may change again without another
// ctime to show for it: two ticks of a kernel with 100 of them in a second.
inline constexpr int64_t kTimestampStepNs = 20'000'000;

// True if every change after `now_ns` (CLOCK_REALTIME) will show in the ctime.
[[nodiscard]] inline bool IsSettled(const FileState& state, int64_t now_ns) {
  return now_ns - state.changed_ns > kTimestampStepNs;
}

}  // namespace gatehouse
