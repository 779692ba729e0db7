// WordBuffer: a large piece of memory that nobody else shares, in words.
//
// Thread-compatible. Owns its pages, which go back to the system at once when
// they are no longer needed, not to an allocator that may keep them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace gatehouse {

class WordBuffer {
 public:
  WordBuffer() = default;  // Has no words.
  // Zeros. Errors: kLimitExceeded when there is not that much memory.
  static Result<WordBuffer> Allocate(size_t words);
  // A copy.
  static Result<WordBuffer> From(std::span<const uint64_t> words);
  WordBuffer(WordBuffer&& other) noexcept;
  WordBuffer& operator=(WordBuffer&& other) noexcept;
  WordBuffer(const WordBuffer&) = delete;
  WordBuffer& operator=(const WordBuffer&) = delete;
  ~WordBuffer();

  [[nodiscard]] std::span<uint64_t> words() { return words_; }
  [[nodiscard]] std::span<const uint64_t> words() const { return words_; }
  // The words from `count` on are gone, and with them the pages that hold
  // nothing else. The others stay where they are.
  void KeepFirst(size_t count);

 private:
  void Free() noexcept;

  std::span<uint64_t> words_;
};

}  // namespace gatehouse
