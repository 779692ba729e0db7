#include "engine/crashed_content.h"

#include <sys/stat.h>

// Inlined, the digest costs half of what the library call does.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <vector>

#include "base/whole_transfer.h"

namespace gatehouse {
namespace {

constexpr size_t kBlockBytes = size_t{64} * 1024;
constexpr uint64_t kEndBytes = uint64_t{32} << 20;

struct ContentKey {
  uint64_t size = 0;
  XXH128_hash_t digest = {};
};

struct FreeDigestState {
  void operator()(XXH3_state_t* state) const { (void)XXH3_freeState(state); }
};

Result<uint64_t> FileSize(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return FailSystem("fstat a file", errno);
  return static_cast<uint64_t>(status.st_size);
}

// Feeds the bytes from `offset` to `end`, as far as there are any.
Result<bool> Feed(int fd, uint64_t offset, uint64_t end, XXH3_state_t* state) {
  std::vector<uint8_t> block(kBlockBytes);
  while (offset < end) {
    const size_t wanted =
        static_cast<size_t>(std::min<uint64_t>(block.size(), end - offset));
    const Result<size_t> count =
        ReadFully(fd, std::span(block).first(wanted), "read a file", offset);
    if (!count) return Unexpected(count.error());
    if (*count == 0) break;
    (void)XXH3_128bits_update(state, block.data(), *count);
    offset += *count;
  }
  return true;
}

// The reader of events may wait for this: of a long file, the ends must do.
Result<ContentKey> KeyOf(int fd) {
  const std::unique_ptr<XXH3_state_t, FreeDigestState> state(
      XXH3_createState());
  if (state == nullptr) return Fail(ErrorCode::kOperational, "out of memory");
  (void)XXH3_128bits_reset(state.get());
  const Result<uint64_t> size = FileSize(fd);
  if (!size) return Unexpected(size.error());
  const uint64_t head = std::min(*size, kEndBytes);
  const uint64_t tail = std::max(head, *size - head);
  Result<bool> fed = Feed(fd, 0, head, state.get());
  if (fed) fed = Feed(fd, tail, *size, state.get());
  if (!fed) return Unexpected(fed.error());
  return ContentKey{*size, XXH3_128bits_digest(state.get())};
}

bool Holds(const CrashedContentTable::Entry& entry, const ContentKey& key) {
  // Relaxed: `count` published the entry.
  return entry.size.load(std::memory_order_relaxed) == key.size &&
         entry.digest_low.load(std::memory_order_relaxed) == key.digest.low64 &&
         entry.digest_high.load(std::memory_order_relaxed) == key.digest.high64;
}

}  // namespace

bool CrashedContent::Contains(int fd) const {
  // Acquire: pairs with the release in Add.
  const uint64_t count = table_.count.load(std::memory_order_acquire);
  if (count == 0) return false;
  const Result<uint64_t> size = FileSize(fd);
  if (!size) return false;
  bool size_known = false;
  for (uint64_t i = 0; i < count; ++i) {
    // Relaxed: as in Holds.
    size_known = size_known || table_.entries.at(i).size.load(
                                   std::memory_order_relaxed) == *size;
  }
  if (!size_known) return false;
  const Result<ContentKey> key = KeyOf(fd);
  if (!key) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (Holds(table_.entries.at(i), *key)) return true;
  }
  return false;
}

Result<bool> CrashedContent::Add(int fd) {
  const Result<ContentKey> key = KeyOf(fd);
  if (!key) return Unexpected(key.error());
  const uint64_t count = table_.count.load(std::memory_order_acquire);
  for (uint64_t i = 0; i < count; ++i) {
    if (Holds(table_.entries.at(i), *key)) return false;
  }
  if (count >= kCrashedContentsMax) {
    return Fail(ErrorCode::kLimitExceeded,
                "the table of crashed contents is full");
  }
  CrashedContentTable::Entry& entry = table_.entries.at(count);
  entry.size.store(key->size, std::memory_order_relaxed);
  entry.digest_low.store(key->digest.low64, std::memory_order_relaxed);
  entry.digest_high.store(key->digest.high64, std::memory_order_relaxed);
  // Release: publishes the entry to Contains.
  table_.count.store(count + 1, std::memory_order_release);
  return true;
}

size_t CrashedContent::size() const {
  return table_.count.load(std::memory_order_acquire);
}

}  // namespace gatehouse
