// LinuxFileOperations: FileOperations by Linux system calls.
//
// Thread-safe: keeps no state.
#pragma once

#include <string>
#include <vector>

#include "quarantine/file_operations.h"

namespace gatehouse {

class LinuxFileOperations final : public FileOperations {
 public:
  Result<UniqueFd> OpenStateDirectory(const std::string& path) override;
  Result<UniqueFd> OpenDirectory(const std::string& path) override;
  Result<UniqueFd> OpenDirectoryIn(int directory,
                                   const std::string& name) override;
  Result<UniqueFd> OpenFileIn(int directory, const std::string& name) override;
  Result<UniqueFd> Reopen(int fd) override;
  Result<UniqueFd> OpenByHandle(const FileFacts& facts, int hint) override;
  Result<UniqueFd> Duplicate(int fd) override;

  Result<size_t> Read(int fd, uint64_t offset, MutableByteView bytes) override;
  Result<size_t> Write(int fd, uint64_t offset, ByteView bytes) override;
  Result<bool> SetSize(int fd, uint64_t size) override;
  Result<bool> Allocate(int fd, uint64_t bytes) override;
  std::optional<FileExtent> NextData(int fd, uint64_t from,
                                     uint64_t size) override;

  Result<std::string> PathOf(int fd) override;
  Result<FileFacts> Facts(int fd) override;
  Result<FileFacts> Identity(int fd) override;
  Result<FileFacts> IdentityIn(int directory, const std::string& name) override;
  bool IsOnSameMount(int directory, int other_directory) override;
  Result<uint64_t> FreeBytes(int directory) override;
  bool MayHang(int fd) override;
  bool IsReadOnly(int directory) override;

  Result<bool> MakeDirectory(int directory, const std::string& name) override;
  Result<bool> RemoveDirectory(int directory, const std::string& name) override;
  Result<bool> Rename(int from_directory, const std::string& from,
                      int to_directory, const std::string& to) override;
  Result<bool> Replace(int directory, const std::string& from,
                       const std::string& to) override;
  Result<bool> Unlink(int directory, const std::string& name) override;
  Result<UniqueFd> CreateUnnamed(int directory) override;
  Result<bool> Link(int fd, int directory, const std::string& name) override;
  Result<bool> Sync(int fd) override;
  Result<std::vector<std::string>> List(int directory) override;

  Result<bool> IsOpenElsewhere(int fd) override;
  Result<bool> ChangeInodeFlags(int fd, uint32_t mask, uint32_t flags) override;
  Result<bool> ApplyFacts(int fd, const FileFacts& facts,
                          bool with_privileges) override;
};

}  // namespace gatehouse
