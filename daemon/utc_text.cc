#include "daemon/utc_text.h"

#include <time.h>

#include <array>

namespace gatehouse {

std::string UtcText(int64_t milliseconds_since_1970) {
  const time_t time = milliseconds_since_1970 / 1000;
  tm parts = {};
  if (::gmtime_r(&time, &parts) == nullptr) return "?";
  std::array<char, 32> text = {};
  (void)::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

}  // namespace gatehouse
