// What the writer and the reader of sealed objects share: places and lengths of
// docs/vault-format.md, reading and writing by offset.
//
// Thread-safe. Descriptors are borrowed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "quarantine/file_operations.h"
#include "quarantine/object_cipher.h"
#include "quarantine/sealed_object.h"

namespace gatehouse {

// Values are on disk: never renumber. docs/vault-format.md shows the object.
inline constexpr std::array<uint8_t, 8> kObjectMagic = {0x89, 'G',  'H',  'Q',
                                                        '\r', '\n', 0x1a, '\n'};
inline constexpr uint32_t kObjectVersion = 1;
// The same with the other digest of content_digest.h: of longer files.
inline constexpr uint32_t kLongObjectVersion = 2;
inline constexpr size_t kObjectVersionAt = kObjectMagic.size();
inline constexpr size_t kBoxLengthAt = kObjectVersionAt + sizeof(uint32_t);
inline constexpr size_t kCipherAt = kBoxLengthAt + sizeof(uint32_t);
inline constexpr size_t kBoxAt = kCipherAt + kCipherPrologueBytes;

// A chunk: length of the message, message. In the message: offset, content.
inline constexpr size_t kLengthBytes = sizeof(uint32_t);
inline constexpr size_t kOffsetBytes = sizeof(uint64_t);
inline constexpr size_t kMessageBytesMax = kOffsetBytes + kObjectChunkBytes;
inline constexpr size_t kChunkBytesMin = kOffsetBytes + kChunkOverhead;
inline constexpr size_t kChunkBytesMax = kMessageBytesMax + kChunkOverhead;

using ObjectPrologue = std::array<uint8_t, kBoxAt>;

template <class Number>
void PutLittleEndian(Number number, uint8_t* bytes) {
  for (size_t i = 0; i < sizeof(Number); ++i) {
    bytes[i] = static_cast<uint8_t>(number >> (8 * i));
  }
}

template <class Number>
Number GetLittleEndian(const uint8_t* bytes) {
  Number number = 0;
  for (size_t i = sizeof(Number); i > 0; --i) {
    number = static_cast<Number>(number << 8 | bytes[i - 1]);
  }
  return number;
}

// Fills `bytes`, or as much as there is before the end of the file. `what` is
// the attempt that an error message names.
Result<size_t> ReadAt(FileOperations& files, int fd, uint64_t offset,
                      MutableByteView bytes, const char* what);
// Writes all of `bytes`.
Result<bool> WriteAt(FileOperations& files, int fd, uint64_t offset,
                     ByteView bytes, const char* what);
Result<uint64_t> SizeOf(FileOperations& files, int fd, const char* what);
// Errors: kInvalidInput if it is not.
Result<bool> MustBeEmpty(FileOperations& files, int fd, const char* what);

}  // namespace gatehouse
