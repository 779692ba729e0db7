// Reading and giving back what Linux knows of a file beside its content.
//
// Thread-safe: system calls only.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "quarantine/file_facts.h"

namespace gatehouse {

// A file_handle of open_by_handle_at(2) with the bytes of `facts`.
class FileHandle {
 public:
  explicit FileHandle(const FileFacts& facts);
  file_handle* get();

 private:
  std::vector<uint64_t> memory_;  // Aligned for the struct.
};

// Of `name` in `directory`, or of `directory` itself if the name is empty.
[[nodiscard]] Result<FileFacts> ReadIdentity(int directory,
                                             const std::string& name);
// Adds extended attributes, inode flags and the project.
[[nodiscard]] Result<bool> ReadExtendedFacts(int fd, FileFacts& facts);
// Which mount `fd` was opened through.
[[nodiscard]] Result<uint64_t> ReadMountId(int fd);
// See FileOperations::ChangeInodeFlags and ApplyFacts.
[[nodiscard]] Result<bool> ChangeFlagsOf(int fd, uint32_t mask, uint32_t flags);
[[nodiscard]] Result<bool> ApplyFactsTo(int fd, const FileFacts& facts,
                                        bool with_privileges);

}  // namespace gatehouse
