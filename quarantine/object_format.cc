#include "quarantine/object_format.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <string>
#include <utility>

namespace gatehouse {

Result<size_t> ReadAt(int fd, uint64_t offset, MutableByteView bytes,
                      const char* what) {
  size_t count = 0;
  while (count < bytes.size()) {
    const ssize_t got = ::pread(fd, bytes.data() + count, bytes.size() - count,
                                static_cast<off_t>(offset + count));
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailSystem(what, errno);
    count += static_cast<size_t>(got);
  }
  return count;
}

Result<bool> WriteAt(int fd, uint64_t offset, ByteView bytes,
                     const char* what) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return FailSystem(what, count < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<size_t>(count));
    offset += static_cast<size_t>(count);
  }
  return true;
}

Result<uint64_t> SizeOf(int fd, const char* what) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return FailSystem(what, errno);
  return static_cast<uint64_t>(status.st_size);
}

Result<bool> MustBeEmpty(int fd, const char* what) {
  const Result<uint64_t> size = SizeOf(fd, what);
  if (!size) return Unexpected(size.error());
  if (*size == 0) return true;
  return Fail(ErrorCode::kInvalidInput, std::string(what) + ": is not empty");
}

ContentDigest::ContentDigest(FileDigests digests)
    : digests_(std::move(digests)) {}

Result<ContentDigest> ContentDigest::Create() {
  DigestNeeds needs = {};
  needs.at(static_cast<size_t>(DigestAlgorithm::kSha256)) = true;
  Result<FileDigests> digests = FileDigests::Create(needs);
  if (!digests) return Unexpected(digests.error());
  digests->Start(needs);
  return ContentDigest(std::move(*digests));
}

void ContentDigest::AddZerosUntil(uint64_t offset) {
  assert(offset >= position_);
  if (offset > position_ && zeros_.empty()) zeros_.resize(kObjectChunkBytes);
  while (position_ < offset) {
    const auto count = static_cast<size_t>(
        std::min(offset - position_, uint64_t{zeros_.size()}));
    Add(ByteView(zeros_).first(count));
  }
}

void ContentDigest::Add(ByteView bytes) {
  digests_.Update(bytes);
  position_ += bytes.size();
}

std::array<uint8_t, 32> ContentDigest::Finish() {
  const Digest digest = digests_.Finish(DigestAlgorithm::kSha256);
  assert(digest.length == 32);
  return digest.bytes;
}

}  // namespace gatehouse
