// WatchedFileOperations: the file operations of Linux with somebody who watches
// each call: who refuses it, does something just before it, or never lets it
// return.
//
// Thread-safe if what is overridden is. `files` must outlive it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "quarantine/file_operations.h"

namespace gatehouse {

class WatchedFileOperations : public FileOperations {
 public:
  explicit WatchedFileOperations(FileOperations& files) : files_(files) {}

  Result<UniqueFd> OpenStateDirectory(const std::string& path) override {
    return Watch("OpenStateDirectory",
                 [&] { return files_.OpenStateDirectory(path); });
  }
  Result<UniqueFd> OpenDirectory(const std::string& path) override {
    return Watch("OpenDirectory", [&] { return files_.OpenDirectory(path); });
  }
  Result<UniqueFd> OpenDirectoryIn(int directory,
                                   const std::string& name) override {
    return Watch("OpenDirectoryIn",
                 [&] { return files_.OpenDirectoryIn(directory, name); });
  }
  Result<UniqueFd> OpenFileIn(int directory, const std::string& name) override {
    return Watch("OpenFileIn",
                 [&] { return files_.OpenFileIn(directory, name); });
  }
  Result<UniqueFd> Reopen(int fd) override {
    return Watch("Reopen", [&] { return files_.Reopen(fd); });
  }
  Result<UniqueFd> OpenByHandle(const FileFacts& facts, int hint) override {
    return Watch("OpenByHandle",
                 [&] { return files_.OpenByHandle(facts, hint); });
  }
  Result<UniqueFd> Duplicate(int fd) override {
    return Watch("Duplicate", [&] { return files_.Duplicate(fd); });
  }

  Result<size_t> Read(int fd, uint64_t offset, MutableByteView bytes) override {
    return Watch("Read", [&] { return files_.Read(fd, offset, bytes); });
  }
  Result<size_t> Write(int fd, uint64_t offset, ByteView bytes) override {
    return Watch("Write", [&] { return files_.Write(fd, offset, bytes); });
  }
  Result<bool> SetSize(int fd, uint64_t size) override {
    return Watch("SetSize", [&] { return files_.SetSize(fd, size); });
  }
  Result<bool> Allocate(int fd, uint64_t bytes) override {
    return Watch("Allocate", [&] { return files_.Allocate(fd, bytes); });
  }
  std::optional<FileExtent> NextData(int fd, uint64_t from,
                                     uint64_t size) override {
    if (Before("NextData")) {
      if (from >= size) return std::nullopt;
      return FileExtent{from, size};
    }
    const std::optional<FileExtent> extent = files_.NextData(fd, from, size);
    After("NextData");
    return extent;
  }

  Result<std::string> PathOf(int fd) override {
    return Watch("PathOf", [&] { return files_.PathOf(fd); });
  }
  Result<FileFacts> Facts(int fd) override {
    return Watch("Facts", [&] { return files_.Facts(fd); });
  }
  Result<FileFacts> Identity(int fd) override {
    return Watch("Identity", [&] { return files_.Identity(fd); });
  }
  Result<FileFacts> IdentityIn(int directory,
                               const std::string& name) override {
    return Watch("IdentityIn",
                 [&] { return files_.IdentityIn(directory, name); });
  }
  bool IsOnSameMount(int directory, int other_directory) override {
    if (Before("IsOnSameMount")) return false;
    const bool is_same = files_.IsOnSameMount(directory, other_directory);
    After("IsOnSameMount");
    return is_same;
  }
  Result<uint64_t> FreeBytes(int directory) override {
    return Watch("FreeBytes", [&] { return files_.FreeBytes(directory); });
  }
  bool IsReadOnly(int directory) override {
    if (Before("IsReadOnly")) return false;
    const bool is_read_only = files_.IsReadOnly(directory);
    After("IsReadOnly");
    return is_read_only;
  }
  bool MayHang(int fd) override {
    if (Before("MayHang")) return true;
    const bool may_hang = files_.MayHang(fd);
    After("MayHang");
    return may_hang;
  }

  Result<bool> MakeDirectory(int directory, const std::string& name) override {
    return Watch("MakeDirectory",
                 [&] { return files_.MakeDirectory(directory, name); });
  }
  Result<bool> RemoveDirectory(int directory,
                               const std::string& name) override {
    return Watch("RemoveDirectory",
                 [&] { return files_.RemoveDirectory(directory, name); });
  }
  Result<bool> Rename(int from_directory, const std::string& from,
                      int to_directory, const std::string& to) override {
    return Watch("Rename", [&] {
      return files_.Rename(from_directory, from, to_directory, to);
    });
  }
  Result<bool> Replace(int directory, const std::string& from,
                       const std::string& to) override {
    return Watch("Replace",
                 [&] { return files_.Replace(directory, from, to); });
  }
  Result<bool> Unlink(int directory, const std::string& name) override {
    return Watch("Unlink", [&] { return files_.Unlink(directory, name); });
  }
  Result<UniqueFd> CreateUnnamed(int directory) override {
    return Watch("CreateUnnamed",
                 [&] { return files_.CreateUnnamed(directory); });
  }
  Result<bool> Link(int fd, int directory, const std::string& name) override {
    return Watch("Link", [&] { return files_.Link(fd, directory, name); });
  }
  Result<bool> Sync(int fd) override {
    return Watch("Sync", [&] { return files_.Sync(fd); });
  }
  Result<std::vector<std::string>> List(int directory) override {
    return Watch("List", [&] { return files_.List(directory); });
  }

  Result<bool> IsOpenElsewhere(int fd) override {
    return Watch("IsOpenElsewhere", [&] { return files_.IsOpenElsewhere(fd); });
  }
  Result<bool> ChangeInodeFlags(int fd, uint32_t mask,
                                uint32_t flags) override {
    return Watch("ChangeInodeFlags",
                 [&] { return files_.ChangeInodeFlags(fd, mask, flags); });
  }
  Result<bool> ApplyFacts(int fd, const FileFacts& facts,
                          bool with_privileges) override {
    return Watch("ApplyFacts",
                 [&] { return files_.ApplyFacts(fd, facts, with_privileges); });
  }

 protected:
  // Asked before each call is made. An error is what the call returns then,
  // and nothing has happened; the two questions without errors answer what
  // they answer when the system refuses them.
  virtual std::optional<Error> Before(std::string_view /*call*/) {
    return std::nullopt;
  }
  // Told after each call that was made, before it returns.
  virtual void After(std::string_view /*call*/) {}

 private:
  template <class Call>
  auto Watch(std::string_view name, const Call& call) -> decltype(call()) {
    std::optional<Error> refusal = Before(name);
    if (refusal) return Unexpected(*std::move(refusal));
    auto result = call();
    After(name);
    return result;
  }

  FileOperations& files_;
};

}  // namespace gatehouse
