// Wall-clock times as mdatp shows them, in local time.
//
// Thread-safe: pure functions, but for the time zone of the process.
#pragma once

#include <cstdint>
#include <string>

namespace gatehouse {

// Milliseconds since 1970. "Dec 29, 2022 at 09:48:37 PM", as in health.
[[nodiscard]] std::string HealthTimeText(int64_t time_ms);
// "Tue May 7 20:23:41 2024", as in lists of threats.
[[nodiscard]] std::string ThreatTimeText(int64_t time_ms);

}  // namespace gatehouse
