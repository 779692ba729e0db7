#include "quarantine/content_digest.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <optional>
#include <utility>

#include "quarantine/object_format.h"

namespace gatehouse {
namespace {

constexpr size_t kZeroBytes = size_t{64} << 10;
constexpr size_t kBlockBytes = 4096;
constexpr size_t kReadBytes = size_t{256} << 10;

bool IsLong(uint64_t size) { return size > kWholeDigestBytesMax; }

}  // namespace

ContentDigest::ContentDigest(FileDigests digests, uint64_t size)
    : digests_(std::move(digests)), size_(size) {
  if (IsLong(size)) block_.reserve(kBlockBytes);
}

Result<ContentDigest> ContentDigest::Create(uint64_t size) {
  DigestNeeds needs = {};
  needs.at(static_cast<size_t>(DigestAlgorithm::kSha256)) = true;
  Result<FileDigests> digests = FileDigests::Create(needs);
  if (!digests) return Unexpected(digests.error());
  digests->Start(needs);
  return ContentDigest(std::move(*digests), size);
}

void ContentDigest::AddZerosUntil(uint64_t offset) {
  assert(offset >= position_);
  if (offset > position_ && zeros_.empty()) zeros_.resize(kZeroBytes);
  while (position_ < offset) {
    auto count = static_cast<size_t>(
        std::min(offset - position_, uint64_t{zeros_.size()}));
    if (IsLong(size_)) {
      // Whole blocks of zeros leave no trace.
      if (block_.empty() && offset - position_ >= kBlockBytes) {
        position_ += (offset - position_) / kBlockBytes * kBlockBytes;
        continue;
      }
      count = std::min(count, kBlockBytes - block_.size());
    }
    Add(ByteView(zeros_).first(count));
  }
}

void ContentDigest::Add(ByteView bytes) {
  if (IsLong(size_)) {
    AddToBlock(bytes);
  } else {
    digests_.Update(bytes);
    position_ += bytes.size();
  }
}

void ContentDigest::AddToBlock(ByteView bytes) {
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size(), kBlockBytes - block_.size());
    block_.insert(block_.end(), bytes.begin(),
                  bytes.begin() + static_cast<ptrdiff_t>(count));
    position_ += count;
    bytes = bytes.subspan(count);
    if (block_.size() == kBlockBytes) EndBlock();
  }
}

void ContentDigest::EndBlock() {
  const bool is_zero = std::all_of(block_.begin(), block_.end(),
                                   [](uint8_t byte) { return byte == 0; });
  if (!is_zero) {
    AddNumber((position_ - 1) / kBlockBytes);
    digests_.Update(block_);
  }
  block_.clear();
}

void ContentDigest::AddNumber(uint64_t number) {
  std::array<uint8_t, sizeof(number)> bytes = {};
  PutLittleEndian(number, bytes.data());
  digests_.Update(bytes);
}

std::array<uint8_t, 32> ContentDigest::Finish() {
  if (IsLong(size_)) {
    if (!block_.empty()) EndBlock();
    AddNumber(size_);
  }
  const Digest digest = digests_.Finish(DigestAlgorithm::kSha256);
  assert(digest.length == 32);
  return digest.bytes;
}

Result<std::array<uint8_t, 32>> DigestOf(FileOperations& files, int fd) {
  constexpr char kWhat[] = "read a file";
  const Result<uint64_t> size = SizeOf(files, fd, kWhat);
  if (!size) return Unexpected(size.error());
  Result<ContentDigest> digest = ContentDigest::Create(*size);
  if (!digest) return Unexpected(digest.error());
  const auto block = std::make_unique_for_overwrite<uint8_t[]>(kReadBytes);
  uint64_t position = 0;
  while (const auto extent = files.NextData(fd, position, *size)) {
    digest->AddZerosUntil(extent->begin);
    position = extent->begin;
    while (position < extent->end) {
      const MutableByteView bytes(
          block.get(), static_cast<size_t>(std::min(extent->end - position,
                                                    uint64_t{kReadBytes})));
      const Result<size_t> got = ReadAt(files, fd, position, bytes, kWhat);
      if (!got) return Unexpected(got.error());
      if (*got != bytes.size()) {
        return Fail(ErrorCode::kOperational, "the file changed while reading");
      }
      digest->Add(bytes);
      position += *got;
    }
  }
  digest->AddZerosUntil(*size);
  return digest->Finish();
}

}  // namespace gatehouse
