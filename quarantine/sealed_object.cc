#include "quarantine/sealed_object.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "quarantine/content_digest.h"
#include "quarantine/object_cipher.h"
#include "quarantine/object_format.h"

// The content is sealed first, behind a gap of the header's size, and the
// header is written last: an object that was not finished has no magic. The
// header box authenticates all bytes before it; the content stream is bound to
// it by the object key and by the stream's header, which is among those bytes.
//
// Left out here: the cryptography (object_cipher), the header's encoding
// (object_header), the way back
// (sealed_object_reader), fsync and names (the vault).

namespace gatehouse {
namespace {

class Sealer {
 public:
  Sealer(FileOperations& files, const VaultKey& key, ContentDigest digest,
         int source_fd, int object_fd)
      : files_(files),
        cipher_(ObjectCipher::ForSealing(key)),
        digest_(std::move(digest)),
        source_fd_(source_fd),
        object_fd_(object_fd),
        message_(std::make_unique_for_overwrite<uint8_t[]>(kMessageBytesMax)),
        chunk_(std::make_unique_for_overwrite<uint8_t[]>(kLengthBytes +
                                                         kChunkBytesMax)) {}

  Result<ObjectHeader> Run(ObjectHeader header) {
    header.sha256 = {};
    header.data_bytes = 0;
    const Result<std::string> payload = EncodeObjectHeader(header);
    if (!payload) return Unexpected(payload.error());
    const size_t box_bytes = payload->size() + kHeaderBoxOverhead;
    end_ = kBoxAt + box_bytes;

    const Result<uint64_t> data_bytes = SealContent(header.file.size);
    if (!data_bytes) return Unexpected(data_bytes.error());
    header.sha256 = digest_.Finish();
    header.data_bytes = *data_bytes;
    const Result<bool> written = WriteHeader(header, box_bytes);
    if (!written) return Unexpected(written.error());
    return header;
  }

 private:
  static Unexpected Changed() {
    return Fail(ErrorCode::kOperational, "the file changed while sealing");
  }

  Result<bool> CheckSize(uint64_t expected) const {
    const Result<uint64_t> size =
        SizeOf(files_, source_fd_, "stat the file to seal");
    if (!size) return Unexpected(size.error());
    if (*size != expected) return Changed();
    return true;
  }

  // Returns how many bytes are not in holes.
  Result<uint64_t> SealContent(uint64_t size) {
    if (const auto same = CheckSize(size); !same) {
      return Unexpected(same.error());
    }
    uint64_t data_bytes = 0;
    uint64_t position = 0;
    while (const auto extent = files_.NextData(source_fd_, position, size)) {
      digest_.AddZerosUntil(extent->begin);
      const Result<bool> sealed = SealExtent(*extent);
      if (!sealed) return Unexpected(sealed.error());
      data_bytes += extent->end - extent->begin;
      position = extent->end;
    }
    digest_.AddZerosUntil(size);
    if (const auto same = CheckSize(size); !same) {
      return Unexpected(same.error());
    }
    const Result<bool> ended = WriteChunk(size, 0, /*is_last=*/true);
    if (!ended) return Unexpected(ended.error());
    return data_bytes;
  }

  Result<bool> SealExtent(const FileExtent& extent) {
    uint64_t offset = extent.begin;
    while (offset < extent.end) {
      const auto count = static_cast<size_t>(
          std::min(extent.end - offset, uint64_t{kObjectChunkBytes}));
      const MutableByteView content(message_.get() + kOffsetBytes, count);
      const Result<size_t> got =
          ReadAt(files_, source_fd_, offset, content, "read the file to seal");
      if (!got) return Unexpected(got.error());
      if (*got != count) return Changed();
      digest_.Add(content);
      Result<bool> written = WriteChunk(offset, count, false);
      if (!written) return written;
      offset += count;
    }
    return true;
  }

  // The content is in message_ already.
  Result<bool> WriteChunk(uint64_t offset, size_t content_bytes, bool is_last) {
    assert(content_bytes <= kObjectChunkBytes);
    assert(is_last == (content_bytes == 0));
    PutLittleEndian(offset, message_.get());
    const size_t message_bytes = kOffsetBytes + content_bytes;
    const size_t chunk_bytes = message_bytes + kChunkOverhead;
    const MutableByteView length(chunk_.get(), kLengthBytes);
    PutLittleEndian(static_cast<uint32_t>(chunk_bytes), length.data());
    cipher_.Push(length, {message_.get(), message_bytes}, is_last,
                 {chunk_.get() + kLengthBytes, chunk_bytes});
    const ByteView record(chunk_.get(), kLengthBytes + chunk_bytes);
    Result<bool> written =
        WriteAt(files_, object_fd_, end_, record, "write the sealed object");
    end_ += record.size();
    return written;
  }

  Result<bool> WriteHeader(const ObjectHeader& header, size_t box_bytes) {
    const Result<std::string> payload = EncodeObjectHeader(header);
    if (!payload) return Unexpected(payload.error());
    assert(payload->size() + kHeaderBoxOverhead == box_bytes);
    std::vector<uint8_t> front(kBoxAt + box_bytes);
    std::copy(kObjectMagic.begin(), kObjectMagic.end(), front.begin());
    PutLittleEndian(header.file.size > kWholeDigestBytesMax ? kLongObjectVersion
                                                            : kObjectVersion,
                    &front.at(kObjectVersionAt));
    PutLittleEndian(static_cast<uint32_t>(box_bytes), &front.at(kBoxLengthAt));
    const CipherPrologue& keys = cipher_.prologue();
    std::copy(keys.begin(), keys.end(), &front.at(kCipherAt));
    const MutableByteView all(front);
    cipher_.SealHeader(all.first(kBoxAt), AsBytes(*payload),
                       all.subspan(kBoxAt));
    return WriteAt(files_, object_fd_, 0, front, "write the sealed object");
  }

  FileOperations& files_;
  ObjectCipher cipher_;
  ContentDigest digest_;
  const int source_fd_;
  const int object_fd_;
  const std::unique_ptr<uint8_t[]> message_;
  const std::unique_ptr<uint8_t[]> chunk_;
  uint64_t end_ = 0;  // Where the next chunk goes.
};

}  // namespace

Result<ObjectHeader> Seal(FileOperations& files, const VaultKey& key,
                          ObjectHeader header, int source_fd, int object_fd) {
  assert(source_fd >= 0 && object_fd >= 0);
  assert(source_fd != object_fd);
  if (const auto empty =
          MustBeEmpty(files, object_fd, "write the sealed object");
      !empty) {
    return Unexpected(empty.error());
  }
  Result<ContentDigest> digest = ContentDigest::Create(header.file.size);
  if (!digest) return Unexpected(digest.error());
  return Sealer(files, key, std::move(*digest), source_fd, object_fd)
      .Run(std::move(header));
}

}  // namespace gatehouse
