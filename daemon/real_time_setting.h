// RealTimeSetting: whether real-time protection is wanted: by the managed
// configuration, else by what an administrator set, else it is.
//
// Thread-safe. Protection must outlive it.
#pragma once

#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "daemon/options.h"
#include "daemon/protection.h"
#include "daemon/settings.h"

namespace gatehouse {

class RealTimeSetting {
 public:
  explicit RealTimeSetting(Protection& protection) : protection_(protection) {}

  // Reads what was set before; changes nothing. Errors: those of LoadSettings.
  Result<bool> Load(const DaemonConfig& config,
                    const std::string& state_directory);

  [[nodiscard]] bool is_enabled() const;
  [[nodiscard]] bool is_managed() const;

  // Makes protection what it is wanted to be. Errors: those of
  // Protection::Enable.
  Result<bool> Apply();

  // Remembers, durably, and applies. Errors: kNotPermitted when it is managed;
  // those of SaveSettings and Protection::Enable.
  Result<bool> Set(bool is_enabled);

 private:
  bool IsWanted() const GATEHOUSE_REQUIRES(mutex_);
  Result<bool> ApplyWanted() GATEHOUSE_REQUIRES(mutex_);

  Protection& protection_;
  mutable Mutex mutex_;
  std::string state_directory_ GATEHOUSE_GUARDED_BY(mutex_);
  std::optional<bool> managed_ GATEHOUSE_GUARDED_BY(mutex_);
  Settings settings_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
