#include "engine/scan_limits.h"

namespace gatehouse {

NotScannedReason ReachedLimit(const ScanLimits& limits) {
  if (limits.cancel.stop_requested()) return NotScannedReason::kCancelled;
  if (limits.give_up_at != kNever &&
      MonotonicClock::now() >= limits.give_up_at) {
    return NotScannedReason::kTimeLimit;
  }
  return NotScannedReason::kNone;
}

}  // namespace gatehouse
