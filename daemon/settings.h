// Settings: what an administrator changed with `mdatp config`, kept in the
// state directory. The managed configuration has the last word.
//
// Thread-safe functions; concurrent changes are the caller's to order.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace gatehouse {

struct Settings {
  std::optional<bool> real_time_protection;  // Empty: never changed.
};

// Reads `state_directory`/settings.json; a missing file is empty settings.
// Errors: kInvalidInput names the file and the key.
Result<Settings> LoadSettings(const std::string& state_directory);

// Durable when it returns. On error the old settings stay.
Result<bool> SaveSettings(const std::string& state_directory,
                          const Settings& settings);

}  // namespace gatehouse
