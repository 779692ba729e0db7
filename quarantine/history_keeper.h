// HistoryKeeper: forgets what is too old, and deletes what has been in
// quarantine for too long; at the start, and then every few hours.
//
// One thread. Takes the time from its caller. What Parts refers to must
// outlive it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "quarantine/recorded_files.h"
#include "quarantine/restorer.h"
#include "quarantine/threat_store.h"
#include "quarantine/vault.h"

namespace gatehouse {

// May live in shared memory.
struct HistoryStatistics {
  std::atomic<uint64_t> threats_aged{0};  // Forgotten for their age.
  std::atomic<uint64_t> scans_aged{0};
  std::atomic<uint64_t> items_crowded{0};  // Forgotten for their number.
  std::atomic<uint64_t> objects_aged{0};   // Deleted from quarantine.
};

class HistoryKeeper {
 public:
  static constexpr std::chrono::hours kPeriod{7};
  static constexpr uint32_t kRetentionDaysDefault = 90;
  // Deleted by one step: whoever steps has more to do.
  static constexpr size_t kObjectsAtOnce = 16;

  struct Parts {
    Vault& vault;
    ThreatStore& store;
    Restorer& restorer;
    RecordedFiles& recorded_files;
    HistoryStatistics& statistics;
    std::function<void(const Error&)> failed;
    uint32_t retention_days = kRetentionDaysDefault;
  };
  explicit HistoryKeeper(Parts parts) : parts_(std::move(parts)) {}

  // Does what is due at `now`, which is `wall_ms` in milliseconds since 1970.
  // True: there is more to do at once. Blocks for I/O.
  bool Step(MonotonicTime now, int64_t wall_ms);

 private:
  void Purge(int64_t before_ms);
  void DeleteObjects();

  const Parts parts_;
  MonotonicTime next_ = MonotonicTime::min();
  uint64_t crowded_before_ = 0;  // As the store counted them when we looked.
  std::deque<std::string> due_;  // Ids of objects to be deleted.
};

}  // namespace gatehouse
