// Where definitions come from.
//
// Thread-safe: functions of the file system.
#pragma once

#include <string>

namespace gatehouse {

struct DefinitionsPlace {
  std::string directory;  // Empty: there are only the built-in rules.
  // It was not asked for: that there is nothing usable in it is no error.
  bool is_default = false;
};

// The directory that freshclam fills, and that ClamAV's scanners read.
inline constexpr const char* kFreshclamDirectory = "/var/lib/clamav";

// `option`: a directory, "none", or empty: then `default_directory`, if it
// holds a file of a known format.
[[nodiscard]] DefinitionsPlace FindDefinitions(
    const std::string& option,
    const char* default_directory = kFreshclamDirectory);

}  // namespace gatehouse
