// ExclusionStore: the exclusions of administrators and of the managed
// configuration, kept in `exclusions.json` in the state directory and given to
// whoever judges.
//
// Thread-safe. `exclusions` must outlive it.
#pragma once

#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "daemon/options.h"
#include "engine/exclusions.h"

namespace gatehouse {

class ExclusionStore {
 public:
  explicit ExclusionStore(Exclusions& exclusions) : exclusions_(exclusions) {}

  // Reads what was kept. Errors: kInvalidInput names the file and the entry.
  Result<bool> Load(const DaemonConfig& config,
                    const std::string& state_directory);

  // Durable and in force when they return. Errors: those of CheckedExclusion;
  // kInvalidInput for one that is there already, kNotFound for one that is not,
  // kNotPermitted for one that is managed or when only managed ones count,
  // kLimitExceeded, kOperational.
  Result<bool> Add(Exclusion exclusion);
  Result<bool> Remove(Exclusion exclusion);

  // Those in force: managed ones first.
  [[nodiscard]] std::vector<Exclusion> list() const {
    return exclusions_.list();
  }

 private:
  Result<bool> CheckChange(const Exclusion& exclusion) const
      GATEHOUSE_REQUIRES(mutex_);
  Result<bool> Keep(std::vector<Exclusion> own) GATEHOUSE_REQUIRES(mutex_);
  void Apply() GATEHOUSE_REQUIRES(mutex_);

  Exclusions& exclusions_;
  Mutex mutex_;
  std::string path_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<Exclusion> managed_ GATEHOUSE_GUARDED_BY(mutex_);
  std::vector<Exclusion> own_ GATEHOUSE_GUARDED_BY(mutex_);
  bool managed_only_ GATEHOUSE_GUARDED_BY(mutex_) = false;
};

}  // namespace gatehouse
