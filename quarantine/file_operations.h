// FileOperations: what quarantine does to the file system. An interface,
// because the same steps must run on Linux, on macOS, and against a simulator
// that fails at each of them.
//
// Thread-safe. Blocks for I/O. Descriptors passed in are borrowed. Errors
// carry the errno value; nothing follows a symbolic link in a last component,
// and nothing but Replace ever overwrites a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "quarantine/file_facts.h"

namespace gatehouse {

using MutableByteView = std::span<uint8_t>;

// Bytes of a file that are not in a hole.
struct FileExtent {
  uint64_t begin = 0;
  uint64_t end = 0;  // Behind the last.
};

class FileOperations {
 public:
  virtual ~FileOperations() = default;

  // Opens the directory that the administrator named: a symbolic link on the
  // way is his.
  virtual Result<UniqueFd> OpenStateDirectory(const std::string& path) = 0;

  // Opens an absolute path to a directory, for reading; a symbolic link in any
  // component is an error.
  virtual Result<UniqueFd> OpenDirectory(const std::string& path) = 0;
  // Opens a directory in another; "..": the one that it is in, unless something
  // is mounted over that.
  virtual Result<UniqueFd> OpenDirectoryIn(int directory,
                                           const std::string& name) = 0;
  // Opens for reading, never blocking on a FIFO.
  virtual Result<UniqueFd> OpenFileIn(int directory,
                                      const std::string& name) = 0;
  // Opens what `fd` (which may be O_PATH) refers to, for reading.
  virtual Result<UniqueFd> Reopen(int fd) = 0;
  // Opens the file wherever its name is now, as O_PATH. `hint` is a descriptor
  // on its file system, or -1: then one is looked for among our mounts.
  // kNotFound: it is gone for good. kNotSupported: its file system is not
  // mounted here, or has no handles.
  virtual Result<UniqueFd> OpenByHandle(const FileFacts& facts, int hint) = 0;

  // A second descriptor for the same open file.
  virtual Result<UniqueFd> Duplicate(int fd) = 0;

  // Reads once; fewer bytes than asked for are no error, none are the end of
  // the file. EINTR is an error like another; ReadAt goes on after it.
  virtual Result<size_t> Read(int fd, uint64_t offset,
                              MutableByteView bytes) = 0;
  // Writes once, at least one byte of those given.
  virtual Result<size_t> Write(int fd, uint64_t offset, ByteView bytes) = 0;
  virtual Result<bool> SetSize(int fd, uint64_t size) = 0;
  // Takes disk space for the first `bytes`, and makes the file that long.
  virtual Result<bool> Allocate(int fd, uint64_t bytes) = 0;
  // The first bytes at or after `from` that are not in a hole, up to `size`;
  // none: holes to the end. Where no holes are known, everything is data.
  virtual std::optional<FileExtent> NextData(int fd, uint64_t from,
                                             uint64_t size) = 0;

  // The path by which the kernel knows `fd` now. Display text, or a candidate
  // to be verified; never identity.
  virtual Result<std::string> PathOf(int fd) = 0;
  // Everything that is sealed with a file. `fd` must not be O_PATH.
  virtual Result<FileFacts> Facts(int fd) = 0;
  // Without extended attributes and inode flags; `fd` may be O_PATH.
  virtual Result<FileFacts> Identity(int fd) = 0;
  virtual Result<FileFacts> IdentityIn(int directory,
                                       const std::string& name) = 0;
  // True if a rename from one directory to the other can succeed.
  virtual bool IsOnSameMount(int directory, int other_directory) = 0;
  // Bytes that `directory`'s file system has left for users.
  virtual Result<uint64_t> FreeBytes(int directory) = 0;
  // True where a server may hang and the file is better left alone (FUSE,
  // NFS, CIFS).
  virtual bool MayHang(int fd) = 0;
  // True if no name in `directory` can be changed, because its file system or
  // the mount that it was opened through is read-only. False if nobody knows.
  virtual bool IsReadOnly(int directory) = 0;

  virtual Result<bool> MakeDirectory(int directory,
                                     const std::string& name) = 0;  // 0700
  virtual Result<bool> RemoveDirectory(int directory,
                                       const std::string& name) = 0;
  virtual Result<bool> Rename(int from_directory, const std::string& from,
                              int to_directory, const std::string& to) = 0;
  // Within one directory of ours, the one exception: `to` is replaced.
  virtual Result<bool> Replace(int directory, const std::string& from,
                               const std::string& to) = 0;
  virtual Result<bool> Unlink(int directory, const std::string& name) = 0;
  // A file without a name in `directory`'s file system, mode 0600.
  virtual Result<UniqueFd> CreateUnnamed(int directory) = 0;
  virtual Result<bool> Link(int fd, int directory, const std::string& name) = 0;
  virtual Result<bool> Sync(int fd) = 0;
  virtual Result<std::vector<std::string>> List(int directory) = 0;

  // True if somebody else has the file open or mapped. `fd` must be the only
  // descriptor of ours that is open on it.
  virtual Result<bool> IsOpenElsewhere(int fd) = 0;
  // Of the inode flags in `mask`, sets those in `flags` and clears the others.
  // False: the file system does not take some of them.
  virtual Result<bool> ChangeInodeFlags(int fd, uint32_t mask,
                                        uint32_t flags) = 0;
  // Owner, mode, times, extended attributes, project, and the inode flags that
  // can be set at any time: whatever the file system takes. False: not all of
  // it. Set-id bits, sticky bit and capabilities only `with_privileges`, and
  // never on a file whose owner could not be set.
  virtual Result<bool> ApplyFacts(int fd, const FileFacts& facts,
                                  bool with_privileges) = 0;
};

// How many bytes of the first `size` are not in holes; stops counting above
// `limit`.
[[nodiscard]] uint64_t DataBytes(FileOperations& files, int fd, uint64_t size,
                                 uint64_t limit);

// The same inode, on this boot.
[[nodiscard]] bool IsSameFile(const FileFacts& one, const FileFacts& other);
// The same inode, as far as that can be told after a reboot: device numbers
// may have changed.
[[nodiscard]] bool IsSameFileAfterReboot(const FileFacts& one,
                                         const FileFacts& other);
// Size and times say that nobody wrote in between.
[[nodiscard]] bool IsUnchanged(const FileFacts& before, const FileFacts& after);
// A short text that is the same for the same inode.
[[nodiscard]] std::string FileKey(const FileFacts& facts);
// The same for the same inode of the same size, also after a reboot: what is
// exempt.
[[nodiscard]] std::string ExemptionKey(const FileFacts& facts);

}  // namespace gatehouse
