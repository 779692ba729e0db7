// The reading half of sealed_object.h: no byte is believed before it is
// authenticated, but for the lengths that say how much to authenticate.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "quarantine/content_digest.h"
#include "quarantine/object_cipher.h"
#include "quarantine/object_format.h"
#include "quarantine/sealed_object.h"

namespace gatehouse {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
static_assert(kReadBytes > kLengthBytes + kChunkBytesMax);

Unexpected Damaged(const std::string& what) {
  return Fail(ErrorCode::kInvalidInput, "sealed object: " + what);
}

struct OpenedObject {
  ObjectCipher cipher;
  ObjectHeader header;
  uint64_t content_at = 0;
};

Result<size_t> CheckPrologue(const ObjectPrologue& prologue, size_t count) {
  if (count < kCipherAt ||
      !std::equal(kObjectMagic.begin(), kObjectMagic.end(), prologue.begin())) {
    return Fail(ErrorCode::kInvalidInput, "this is no sealed object");
  }
  const auto version =
      GetLittleEndian<uint32_t>(&prologue.at(kObjectVersionAt));
  if (version != kObjectVersion && version != kLongObjectVersion) {
    return Fail(ErrorCode::kNotSupported,
                "sealed object: has version " + std::to_string(version) +
                    ", this program knows versions 1 and 2");
  }
  if (count < prologue.size()) return Damaged("ends within its keys");
  const size_t box_bytes =
      GetLittleEndian<uint32_t>(&prologue.at(kBoxLengthAt));
  if (box_bytes < kHeaderBoxOverhead ||
      box_bytes > kObjectHeaderBytesMax + kHeaderBoxOverhead) {
    return Damaged("says its header has " + std::to_string(box_bytes) +
                   " bytes");
  }
  return box_bytes;
}

Result<OpenedObject> OpenObject(FileOperations& files, const VaultKey& key,
                                int object_fd) {
  constexpr char kWhat[] = "read the sealed object";
  ObjectPrologue prologue = {};
  const Result<size_t> count = ReadAt(files, object_fd, 0, prologue, kWhat);
  if (!count) return Unexpected(count.error());
  const Result<size_t> box_bytes = CheckPrologue(prologue, *count);
  if (!box_bytes) return Unexpected(box_bytes.error());

  CipherPrologue keys = {};
  std::copy_n(&prologue.at(kCipherAt), keys.size(), keys.begin());
  Result<ObjectCipher> cipher = ObjectCipher::ForUnsealing(key, keys);
  if (!cipher) return Unexpected(cipher.error());

  std::vector<uint8_t> box(*box_bytes);
  const Result<size_t> got = ReadAt(files, object_fd, kBoxAt, box, kWhat);
  if (!got) return Unexpected(got.error());
  if (*got != box.size()) return Damaged("ends within its header");
  std::vector<uint8_t> payload(box.size() - kHeaderBoxOverhead);
  if (!cipher->OpenHeader(prologue, box, payload)) {
    return Damaged("authentication of the header failed");
  }
  Result<ObjectHeader> header = DecodeObjectHeader(payload);
  if (!header) return Unexpected(header.error());
  const bool is_long =
      GetLittleEndian<uint32_t>(&prologue.at(kObjectVersionAt)) ==
      kLongObjectVersion;
  if (is_long != (header->file.size > kWholeDigestBytesMax)) {
    return Damaged("its version does not fit the size of the file");
  }
  return OpenedObject{std::move(*cipher), std::move(*header),
                      kBoxAt + box.size()};
}

// Reads a file from an offset to its end, in large blocks.
class BlockReader {
 public:
  BlockReader(FileOperations& files, int fd, uint64_t offset)
      : files_(files),
        fd_(fd),
        offset_(offset),
        block_(std::make_unique_for_overwrite<uint8_t[]>(kReadBytes)) {}

  // The next `count` bytes, or what is left before the end of the file. Valid
  // until the next call.
  Result<ByteView> Take(size_t count) {
    assert(count <= kReadBytes);
    if (end_ - begin_ < count) {
      std::memmove(block_.get(), block_.get() + begin_, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
      const MutableByteView room(block_.get() + end_, kReadBytes - end_);
      const Result<size_t> got =
          ReadAt(files_, fd_, offset_, room, "read the sealed object");
      if (!got) return Unexpected(got.error());
      end_ += *got;
      offset_ += *got;
    }
    const ByteView bytes(block_.get() + begin_, std::min(count, end_ - begin_));
    begin_ += bytes.size();
    return bytes;
  }

 private:
  FileOperations& files_;
  const int fd_;
  uint64_t offset_;
  const std::unique_ptr<uint8_t[]> block_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

class Unsealer {
 public:
  // Without a target, only checks.
  Unsealer(FileOperations& files, OpenedObject object, ContentDigest digest,
           int object_fd, std::optional<int> target_fd)
      : files_(files),
        cipher_(std::move(object.cipher)),
        header_(std::move(object.header)),
        digest_(std::move(digest)),
        reader_(files, object_fd, object.content_at),
        target_fd_(target_fd),
        message_(std::make_unique_for_overwrite<uint8_t[]>(kMessageBytesMax)) {}

  Result<ObjectHeader> Run() {
    if (target_fd_.has_value()) {
      const Result<bool> sized = files_.SetSize(*target_fd_, header_.file.size);
      if (!sized) return Unexpected(sized.error());
    }
    uint64_t chunk = 0;
    for (bool is_last = false; !is_last; ++chunk) {
      const Result<Message> message = ReadMessage(chunk);
      if (!message) return Unexpected(message.error());
      const Result<bool> taken = TakeMessage(*message, chunk);
      if (!taken) return Unexpected(taken.error());
      is_last = message->is_last;
    }
    const Result<ByteView> rest = reader_.Take(1);
    if (!rest) return Unexpected(rest.error());
    if (!rest->empty()) return Damaged("goes on after its last chunk");
    digest_.AddZerosUntil(header_.file.size);
    if (data_bytes_ != header_.data_bytes) {
      return Damaged("has " + std::to_string(data_bytes_) +
                     " bytes of content, its header says " +
                     std::to_string(header_.data_bytes));
    }
    if (digest_.Finish() != header_.sha256) {
      return Damaged("the digest of its content is wrong");
    }
    return std::move(header_);
  }

 private:
  struct Message {
    uint64_t offset = 0;
    ByteView content;  // In message_.
    bool is_last = false;
  };

  static std::string Named(uint64_t chunk) {
    return "chunk " + std::to_string(chunk);
  }

  Result<Message> ReadMessage(uint64_t chunk) {
    Result<ByteView> taken = reader_.Take(kLengthBytes);
    if (!taken) return Unexpected(taken.error());
    std::array<uint8_t, kLengthBytes> length = {};
    if (taken->size() != length.size()) {
      return Damaged("ends before " + Named(chunk));
    }
    std::copy(taken->begin(), taken->end(), length.begin());
    const size_t chunk_bytes = GetLittleEndian<uint32_t>(length.data());
    if (chunk_bytes < kChunkBytesMin || chunk_bytes > kChunkBytesMax) {
      return Damaged("says " + Named(chunk) + " has " +
                     std::to_string(chunk_bytes) + " bytes");
    }
    taken = reader_.Take(chunk_bytes);
    if (!taken) return Unexpected(taken.error());
    if (taken->size() != chunk_bytes) {
      return Damaged("ends within " + Named(chunk));
    }
    const MutableByteView message(message_.get(), chunk_bytes - kChunkOverhead);
    const PulledChunk pulled = cipher_.Pull(length, *taken, message);
    if (pulled == PulledChunk::kForged) {
      return Damaged("authentication of " + Named(chunk) + " failed");
    }
    return Message{GetLittleEndian<uint64_t>(message.data()),
                   message.subspan(kOffsetBytes), pulled == PulledChunk::kLast};
  }

  // Authentic, but was it well made?
  Result<bool> TakeMessage(const Message& message, uint64_t chunk) {
    const uint64_t size = header_.file.size;
    if (message.is_last) {
      if (message.offset == size && message.content.empty()) return true;
      return Damaged(Named(chunk) + " ends the content in a wrong place");
    }
    if (message.offset < position_ || message.offset > size ||
        message.content.empty() ||
        message.content.size() > size - message.offset) {
      return Damaged(Named(chunk) + " is out of place");
    }
    digest_.AddZerosUntil(message.offset);
    digest_.Add(message.content);
    position_ = message.offset + message.content.size();
    data_bytes_ += message.content.size();
    if (!target_fd_.has_value()) return true;
    return WriteAt(files_, *target_fd_, message.offset, message.content,
                   "write the unsealed file");
  }

  FileOperations& files_;
  ObjectCipher cipher_;
  ObjectHeader header_;
  ContentDigest digest_;
  BlockReader reader_;
  const std::optional<int> target_fd_;
  const std::unique_ptr<uint8_t[]> message_;
  uint64_t position_ = 0;  // Behind the content so far.
  uint64_t data_bytes_ = 0;
};

Result<ObjectHeader> UnsealTo(FileOperations& files, const VaultKey& key,
                              int object_fd, std::optional<int> target_fd) {
  Result<OpenedObject> object = OpenObject(files, key, object_fd);
  if (!object) return Unexpected(object.error());
  Result<ContentDigest> digest =
      ContentDigest::Create(object->header.file.size);
  if (!digest) return Unexpected(digest.error());
  return Unsealer(files, std::move(*object), std::move(*digest), object_fd,
                  target_fd)
      .Run();
}

}  // namespace

Result<ObjectHeader> ReadHeader(FileOperations& files, const VaultKey& key,
                                int object_fd) {
  assert(object_fd >= 0);
  Result<OpenedObject> object = OpenObject(files, key, object_fd);
  if (!object) return Unexpected(object.error());
  return std::move(object->header);
}

Result<ObjectHeader> Unseal(FileOperations& files, const VaultKey& key,
                            int object_fd, int target_fd) {
  assert(object_fd >= 0 && target_fd >= 0);
  assert(object_fd != target_fd);
  if (const auto empty =
          MustBeEmpty(files, target_fd, "write the unsealed file");
      !empty) {
    return Unexpected(empty.error());
  }
  return UnsealTo(files, key, object_fd, target_fd);
}

Result<bool> Verify(FileOperations& files, const VaultKey& key, int object_fd) {
  assert(object_fd >= 0);
  const Result<ObjectHeader> header =
      UnsealTo(files, key, object_fd, std::nullopt);
  if (!header) return Unexpected(header.error());
  return true;
}

}  // namespace gatehouse
