// Moments as people and configuration files write them: ISO 8601, in UTC.
//
// Thread-safe: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gatehouse {

// "2026-12-31T23:59:59Z", of milliseconds since 1970; what has no date up to
// the year 9999 is "?".
[[nodiscard]] std::string UtcTimeText(int64_t time_ms);

// Milliseconds since 1970 of "2026-12-31" (the beginning of that day),
// "2026-12-31T23:59Z" or "2026-12-31T23:59:59Z". A time of day says that it is
// of UTC: whoever means his own would be wrong by hours. Errors: kInvalidInput.
Result<int64_t> ParseUtcTime(std::string_view text);

}  // namespace gatehouse
