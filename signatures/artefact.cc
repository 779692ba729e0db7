#include "signatures/artefact.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/whole_transfer.h"
#include "signatures/compiler_digest.h"
#include "signatures/set_image.h"
#include "signatures/trigger_database.h"

namespace gatehouse {
namespace {

// On disk, byte for byte. docs/artefact-format.md shows it.
struct ArtefactHead {
  std::array<uint8_t, 8> magic = {0x89, 'G', 'H', 'S', '\r', '\n', 0x1a, '\n'};
  uint64_t version = 1;
  uint64_t words = 0;  // Of the image.
  Sha256Digest key = {};
  Sha256Digest maker = {};
  std::array<uint8_t, 32> salt = {};
};
struct ArtefactFront {
  ArtefactHead head;
  AuthenticationTag tag = {};  // Of head and image.
};
static_assert(sizeof(ArtefactFront) == 8 + 8 + 8 + 32 + 32 + 32 + 16);
static_assert(std::has_unique_object_representations_v<ArtefactFront>);

constexpr std::string_view kPurpose = "gatehouse signature artefact 1";

template <class Record>
ByteView BytesOf(const Record& record) {
  return {static_cast<const uint8_t*>(static_cast<const void*>(&record)),
          sizeof(record)};
}

ByteView BytesOf(std::span<const uint64_t> words) {
  return {static_cast<const uint8_t*>(static_cast<const void*>(words.data())),
          words.size_bytes()};
}

Result<AuthenticationTag> TagOf(const SecretKey& secret,
                                const ArtefactHead& head,
                                std::span<const uint64_t> image) {
  std::string message(kPurpose);
  message += AsText(head.salt);
  const Result<Sha256Digest> one_time_key =
      HmacSha256(secret, AsBytes(message));
  if (!one_time_key) return Unexpected(one_time_key.error());
  return Poly1305(*one_time_key, BytesOf(head), BytesOf(image));
}

Result<bool> WriteAt(int fd, ByteView bytes, uint64_t offset) {
  return WriteFully(fd, bytes, "write the artefact", offset);
}

Result<bool> ReadAt(int fd, std::span<uint8_t> bytes, uint64_t offset) {
  const Result<size_t> count =
      ReadFully(fd, bytes, "read the artefact", offset);
  if (!count) return Unexpected(count.error());
  if (*count == bytes.size()) return true;
  return Fail(ErrorCode::kInvalidInput, "artefact: cut off");
}

// What compiles: only what the same has made is read.
Result<Sha256Digest> Maker() {
  Result<Sha256Stream> stream = Sha256Stream::Create();
  if (!stream) return Unexpected(stream.error());
  stream->UpdateField(AsBytes(CompilerDigest()));
  stream->UpdateField(AsBytes(TriggerDatabasePlatform()));
  return stream->Finish();
}

}  // namespace

Result<Sha256Digest> ArtefactKey(const Sha256Digest& sources) {
  Result<Sha256Stream> stream = Sha256Stream::Create();
  if (!stream) return Unexpected(stream.error());
  const Result<Sha256Digest> maker = Maker();
  if (!maker) return Unexpected(maker.error());
  stream->UpdateField(AsBytes(kPurpose));
  stream->UpdateField(sources);
  stream->UpdateField(*maker);
  return stream->Finish();
}

Result<bool> WriteArtefact(int fd, const SecretKey& secret,
                           const Sha256Digest& key,
                           std::span<const uint64_t> image) {
  if (image.size_bytes() > kArtefactBytesMax) {
    return Fail(ErrorCode::kLimitExceeded, "artefact: larger than 2 GiB");
  }
  ArtefactFront front;
  front.head.words = image.size();
  front.head.key = key;
  const Result<Sha256Digest> maker = Maker();
  if (!maker) return Unexpected(maker.error());
  front.head.maker = *maker;
  const Result<bool> filled = FillRandom(front.head.salt);
  if (!filled) return filled;
  const Result<AuthenticationTag> tag = TagOf(secret, front.head, image);
  if (!tag) return Unexpected(tag.error());
  front.tag = *tag;
  const Result<bool> written = WriteAt(fd, BytesOf(front), 0);
  if (!written) return written;
  return WriteAt(fd, BytesOf(image), sizeof(front));
}

Result<WordBuffer> ReadArtefact(int fd, const SecretKey& secret,
                                const Sha256Digest& key) {
  ArtefactFront front;
  std::array<uint8_t, sizeof(front)> bytes = {};
  const Result<bool> read = ReadAt(fd, bytes, 0);
  if (!read) return Unexpected(read.error());
  std::memcpy(&front, bytes.data(), sizeof(front));
  const ArtefactHead expected;
  if (front.head.magic != expected.magic ||
      front.head.version != expected.version) {
    return Fail(ErrorCode::kInvalidInput, "artefact: none, or a newer one");
  }
  if (front.head.key != key) {
    return Fail(ErrorCode::kInvalidInput, "artefact: of another set");
  }
  const Result<Sha256Digest> maker = Maker();
  if (!maker) return Unexpected(maker.error());
  if (front.head.maker != *maker) {
    return Fail(ErrorCode::kNotSupported,
                "artefact: made by another version, or for another processor");
  }
  struct stat facts = {};
  if (::fstat(fd, &facts) != 0) return FailSystem("stat the artefact", errno);
  const uint64_t words = front.head.words;
  if (words > kArtefactBytesMax / sizeof(uint64_t)) {
    return Fail(ErrorCode::kLimitExceeded, "artefact: larger than 2 GiB");
  }
  if (static_cast<uint64_t>(facts.st_size) !=
      sizeof(front) + words * sizeof(uint64_t)) {
    return Fail(ErrorCode::kInvalidInput, "artefact: wrong size");
  }
  Result<WordBuffer> image = WordBuffer::Allocate(words);
  if (!image) return image;
  const Result<bool> filled =
      ReadAt(fd,
             {static_cast<uint8_t*>(static_cast<void*>(image->words().data())),
              image->words().size_bytes()},
             sizeof(front));
  if (!filled) return Unexpected(filled.error());
  const Result<AuthenticationTag> tag =
      TagOf(secret, front.head, image->words());
  if (!tag) return Unexpected(tag.error());
  if (!AreEqualTags(*tag, front.tag)) {
    return Fail(ErrorCode::kInvalidInput, "artefact: not authentic");
  }
  return image;
}

}  // namespace gatehouse
