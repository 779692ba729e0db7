#include "quarantine/file_operations.h"

namespace gatehouse {
namespace {

void AppendNumber(std::string& text, uint64_t number) {
  text += std::to_string(number);
  text += ':';
}

}  // namespace

uint64_t DataBytes(FileOperations& files, int fd, uint64_t size,
                   uint64_t limit) {
  uint64_t bytes = 0;
  uint64_t position = 0;
  while (const auto extent = files.NextData(fd, position, size)) {
    bytes += extent->end - extent->begin;
    position = extent->end;
    if (bytes > limit) break;
  }
  return bytes;
}

bool IsSameFile(const FileFacts& one, const FileFacts& other) {
  return one.dev == other.dev && IsSameFileAfterReboot(one, other);
}

bool IsSameFileAfterReboot(const FileFacts& one, const FileFacts& other) {
  return one.inode == other.inode && one.btime == other.btime &&
         one.handle_type == other.handle_type && one.handle == other.handle;
}

bool IsUnchanged(const FileFacts& before, const FileFacts& after) {
  return before.size == after.size && before.mtime == after.mtime &&
         before.ctime == after.ctime;
}

std::string FileKey(const FileFacts& facts) {
  std::string key;
  AppendNumber(key, facts.dev);
  AppendNumber(key, facts.inode);
  AppendNumber(key, static_cast<uint64_t>(facts.btime.sec));
  AppendNumber(key, static_cast<uint64_t>(facts.btime.nsec));
  return key + facts.handle;
}

// A handle names a file of its file system for ever; the number of a device
// may be another one after a reboot.
std::string ExemptionKey(const FileFacts& facts) {
  FileFacts lasting = facts;
  if (!facts.handle.empty()) lasting.dev = 0;
  return std::to_string(facts.size) + ":" + FileKey(lasting);
}

}  // namespace gatehouse
