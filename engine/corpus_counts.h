// CorpusCounts: what a scan of a tree has met, in numbers.
//
// Thread-compatible plain value.
#pragma once

#include <cstdint>

namespace gatehouse {

// Each verdict counts in exactly one of files_scanned, not_scanned and errors.
struct CorpusCounts {
  uint64_t files_scanned = 0;  // To their end, or with a hit.
  uint64_t threats = 0;        // Those of files_scanned that are not clean.
  uint64_t allowed = 0;        // Clean ones, by a hash (Verdict::allowed_by).
  uint64_t excluded = 0;       // By an administrator; not in not_scanned.
  uint64_t not_scanned = 0;
  uint64_t errors = 0;
  uint64_t directories = 0;
  uint64_t symbolic_links = 0;  // Inside the tree: not followed, no verdict.
  uint64_t bytes_scanned = 0;
  bool is_cancelled = false;
};

}  // namespace gatehouse
