#include "daemon/real_time_setting.h"

#include <utility>

namespace gatehouse {

Result<bool> RealTimeSetting::Load(const DaemonConfig& config,
                                   const std::string& state_directory) {
  Result<Settings> settings = LoadSettings(state_directory);
  if (!settings) return Unexpected(settings.error());
  const MutexLock lock(mutex_);
  state_directory_ = state_directory;
  managed_ = config.real_time_protection;
  settings_ = std::move(*settings);
  return true;
}

bool RealTimeSetting::IsWanted() const {
  if (managed_) return *managed_;
  return settings_.real_time_protection.value_or(true);
}

bool RealTimeSetting::is_enabled() const {
  const MutexLock lock(mutex_);
  return IsWanted();
}

bool RealTimeSetting::is_managed() const {
  const MutexLock lock(mutex_);
  return managed_.has_value();
}

Result<bool> RealTimeSetting::ApplyWanted() {
  if (IsWanted()) return protection_.Enable();
  protection_.Disable();
  return true;
}

Result<bool> RealTimeSetting::Apply() {
  const MutexLock lock(mutex_);
  return ApplyWanted();
}

Result<bool> RealTimeSetting::Set(bool is_enabled) {
  const MutexLock lock(mutex_);
  if (managed_) {
    return Fail(ErrorCode::kNotPermitted,
                "real-time protection is managed by the configuration file");
  }
  Settings settings = settings_;
  settings.real_time_protection = is_enabled;
  const Result<bool> saved = SaveSettings(state_directory_, settings);
  if (!saved) return Unexpected(saved.error());
  settings_ = settings;
  return ApplyWanted();
}

}  // namespace gatehouse
