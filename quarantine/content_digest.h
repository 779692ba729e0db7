// ContentDigest: the digest of a file's content, holes and all.
//
// Up to kWholeDigestBytesMax it is the SHA-256 of all bytes, holes as zeros:
// the one that everybody knows. A longer file is mostly holes (the vault takes
// no more data than that), and hashing terabytes of zeros would take hours: its
// digest is that of its blocks of 4096 bytes that are not all zeros, each as
// its number (8 bytes, little endian) and its bytes (as many as there are,
// for the last one), and in the end the file's size (8 bytes). Where the file
// system has holes does not matter to either.
//
// One thread at a time. Allocates once, and at the first hole.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "engine/file_digest.h"
#include "quarantine/file_operations.h"

namespace gatehouse {

inline constexpr uint64_t kWholeDigestBytesMax = uint64_t{2} << 30;

class ContentDigest {
 public:
  // For a file of `size` bytes.
  static Result<ContentDigest> Create(uint64_t size);

  // REQUIRES: no more than `offset` bytes were added.
  void AddZerosUntil(uint64_t offset);
  void Add(ByteView bytes);
  // REQUIRES: all `size` bytes were added.
  std::array<uint8_t, 32> Finish();

 private:
  ContentDigest(FileDigests digests, uint64_t size);

  void AddToBlock(ByteView bytes);
  void EndBlock();
  void AddNumber(uint64_t number);

  FileDigests digests_;
  const uint64_t size_;
  uint64_t position_ = 0;
  std::vector<uint8_t> zeros_;  // Empty until the first hole.
  std::vector<uint8_t> block_;  // Of a longer file, as far as it was added.
};

// The digest of the file behind `fd` as it is now, read by offset. Blocks for
// reading. Errors: kOperational if it changes meanwhile; else of the system.
Result<std::array<uint8_t, 32>> DigestOf(FileOperations& files, int fd);

}  // namespace gatehouse
