#include "signatures/word_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <limits>
#include <string>
#include <utility>

namespace gatehouse {
namespace {

size_t PageBytes() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

// Whole pages.
size_t MappedBytes(size_t words) {
  const size_t page = PageBytes();
  return (words * sizeof(uint64_t) + page - 1) / page * page;
}

}  // namespace

Result<WordBuffer> WordBuffer::Allocate(size_t words) {
  WordBuffer buffer;
  if (words == 0) return buffer;
  const std::string what =
      "memory for " + std::to_string(words) + " words of signatures";
  if (words > std::numeric_limits<size_t>::max() / 2 / sizeof(uint64_t)) {
    return Fail(ErrorCode::kLimitExceeded, what);
  }
  void* const pages =
      ::mmap(nullptr, MappedBytes(words), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    return Fail(ErrorCode::kLimitExceeded, SystemError(what, errno).message);
  }
  // Filled at once, from the first word to the last: a fault for each small
  // page would take longer than reading. A hint; where it is not taken it is
  // slower.
  (void)::madvise(pages, MappedBytes(words), MADV_HUGEPAGE);
  buffer.words_ = {static_cast<uint64_t*>(pages), words};
  return buffer;
}

Result<WordBuffer> WordBuffer::From(std::span<const uint64_t> words) {
  Result<WordBuffer> buffer = Allocate(words.size());
  if (buffer) std::copy(words.begin(), words.end(), buffer->words_.begin());
  return buffer;
}

WordBuffer::WordBuffer(WordBuffer&& other) noexcept
    : words_(std::exchange(other.words_, {})) {}

WordBuffer& WordBuffer::operator=(WordBuffer&& other) noexcept {
  if (this != &other) {
    Free();
    words_ = std::exchange(other.words_, {});
  }
  return *this;
}

WordBuffer::~WordBuffer() { Free(); }

void WordBuffer::Free() noexcept { KeepFirst(0); }

void WordBuffer::KeepFirst(size_t count) {
  assert(count <= words_.size());
  const size_t kept = MappedBytes(count);
  const size_t mapped = MappedBytes(words_.size());
  if (kept != mapped) {
    // Fails only for what is no mapping of ours.
    (void)::munmap(words_.data() + kept / sizeof(uint64_t), mapped - kept);
  }
  words_ = count == 0 ? std::span<uint64_t>() : words_.first(count);
}

}  // namespace gatehouse
