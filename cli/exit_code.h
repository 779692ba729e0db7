// What mdatp tells the shell. Scripts depend on it: never renumber.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace gatehouse {

enum class ExitCode : uint8_t {
  kOk = 0,
  kOperational = 1,
  kUsage = 2,
  kDaemonUnreachable = 3,
  kNotPermitted = 4,
  kNotFound = 5,
  // Only with --fail-on-threat:
  kThreatFound = 10,
  kNotAllScanned = 11,
};

[[nodiscard]] ExitCode ExitCodeOf(ErrorCode code);

}  // namespace gatehouse
