// CrashedContent: what has killed the scanner twice and is not scanned inline
// again by this generation of signatures.
//
// Thread-safe: one writer at a time, any number of readers, no locks. The
// table lives in memory that outlives the process (the view borrows it).
// Content is known by its size and the XXH3-128 digest (xxhash.com) of its
// first and last 32 MiB, so that a copy under another name is known too.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace gatehouse {

inline constexpr size_t kCrashedContentsMax = 64;

// Shared between processes of one build; never written to disk.
struct CrashedContentTable {
  struct Entry {
    std::atomic<uint64_t> size{0};
    std::atomic<uint64_t> digest_low{0};
    std::atomic<uint64_t> digest_high{0};
  };
  std::atomic<uint64_t> count{0};  // Entries below this index are complete.
  std::array<Entry, kCrashedContentsMax> entries;
};

class CrashedContent {
 public:
  // `table` must outlive this object.
  explicit CrashedContent(CrashedContentTable& table) : table_(table) {}

  // True if the content behind `fd` is in the table. Costs one load while the
  // table is empty, one fstat while no size matches, else reads the file.
  bool Contains(int fd) const;

  // Adds the content behind `fd`. Returns false if it was there already.
  // Errors: kLimitExceeded when the table is full, kOperational for I/O.
  Result<bool> Add(int fd);

  size_t size() const;

 private:
  CrashedContentTable& table_;
};

}  // namespace gatehouse
