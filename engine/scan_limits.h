// ScanLimits: what ends a scan before the end of its file, and what it tells
// beyond its verdict.
//
// Thread-compatible plain value.
#pragma once

#include <cstdint>
#include <limits>
#include <stop_token>

#include "base/time.h"
#include "engine/verdict.h"

namespace gatehouse {

struct ScanLimits {
  MonotonicTime give_up_at = kNever;  // Checked after each block read.
  uint64_t bytes_max = std::numeric_limits<uint64_t>::max();
  std::stop_token cancel;
  // After a hit, Verdict::sha256. The file is read once more for that.
  bool wants_sha256 = false;
};

// The limit that was reached and does not depend on the file's size, else
// kNone.
[[nodiscard]] NotScannedReason ReachedLimit(const ScanLimits& limits);

}  // namespace gatehouse
