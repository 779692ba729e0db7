// DirectoryReader: the entries of an open directory, a buffer at a time.
//
// One thread at a time. Owns its buffer and no descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace gatehouse {

enum class EntryType : uint8_t {
  kFile,
  kDirectory,
  kSymbolicLink,
  kOther,    // FIFO, socket, device.
  kUnknown,  // The file system does not say: ask fstatat.
};

struct DirectoryEntry {
  std::string_view name;  // NUL follows. Valid until the next Fill.
  EntryType type = EntryType::kUnknown;
};

class DirectoryReader {
 public:
  DirectoryReader();

  // Reads the next entries of `fd` from its current position. Returns 0 or
  // errno. Afterwards Next yields them; if the directory has ended, none.
  int Fill(int fd);
  // The next entry of the buffer, "." and ".." left out; false when it is
  // empty.
  bool Next(DirectoryEntry& entry);

  // Whether the last Fill found anything: the end is where it does not.
  bool is_filled() const { return filled_bytes_ != 0; }

  // Where the entries behind the buffer begin, for SeekTo.
  int64_t position() const { return position_; }
  // Lets the next Fill of `fd` begin at a position() of another descriptor of
  // the same directory. Returns 0 or errno.
  static int SeekTo(int fd, int64_t position);

 private:
  std::unique_ptr<char[]> buffer_;
  size_t filled_bytes_ = 0;
  size_t next_ = 0;
  int64_t position_ = 0;
};

// The type of an entry that readdir did not tell. Returns 0 or errno.
int FindEntryType(int directory_fd, const char* name, EntryType& type);

// True when `fd` is on a file system without real files: /proc, /sys and their
// like. False when that cannot be found out.
[[nodiscard]] bool IsOnPseudoFileSystem(int fd);

}  // namespace gatehouse
