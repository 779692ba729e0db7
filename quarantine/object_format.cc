#include "quarantine/object_format.h"

#include <cerrno>
#include <string>
#include <utility>

namespace gatehouse {

namespace {

// What was attempted, and what the system said.
Unexpected FailAt(const char* what, Error error) {
  error.message = std::string(what) + ": " + error.message;
  return Unexpected(std::move(error));
}

}  // namespace

Result<size_t> ReadAt(FileOperations& files, int fd, uint64_t offset,
                      MutableByteView bytes, const char* what) {
  size_t count = 0;
  while (count < bytes.size()) {
    const Result<size_t> got =
        files.Read(fd, offset + count, bytes.subspan(count));
    if (!got && got.error().error_number == EINTR) continue;
    if (!got) return FailAt(what, got.error());
    if (*got == 0) break;
    count += *got;
  }
  return count;
}

Result<bool> WriteAt(FileOperations& files, int fd, uint64_t offset,
                     ByteView bytes, const char* what) {
  while (!bytes.empty()) {
    const Result<size_t> count = files.Write(fd, offset, bytes);
    if (!count && count.error().error_number == EINTR) continue;
    if (!count) return FailAt(what, count.error());
    bytes = bytes.subspan(*count);
    offset += *count;
  }
  return true;
}

Result<uint64_t> SizeOf(FileOperations& files, int fd, const char* what) {
  const Result<FileFacts> facts = files.Identity(fd);
  if (!facts) return FailAt(what, facts.error());
  return facts->size;
}

Result<bool> MustBeEmpty(FileOperations& files, int fd, const char* what) {
  const Result<uint64_t> size = SizeOf(files, fd, what);
  if (!size) return Unexpected(size.error());
  if (*size == 0) return true;
  return Fail(ErrorCode::kInvalidInput, std::string(what) + ": is not empty");
}

}  // namespace gatehouse
