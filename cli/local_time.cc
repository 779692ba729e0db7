#include "cli/local_time.h"

#include <array>
#include <ctime>

namespace gatehouse {
namespace {

struct tm LocalTime(int64_t time_ms) {
  const time_t seconds{time_ms / 1000};
  struct tm local = {};
  (void)::localtime_r(&seconds, &local);  // What has no date is shown as 1900.
  return local;
}

using TimeText = std::array<char, 64>;

}  // namespace

std::string HealthTimeText(int64_t time_ms) {
  const struct tm local = LocalTime(time_ms);
  TimeText text = {};
  const size_t length = std::strftime(text.data(), text.size(),
                                      "%b %d, %Y at %I:%M:%S %p", &local);
  return {text.data(), length};
}

std::string ThreatTimeText(int64_t time_ms) {
  const struct tm local = LocalTime(time_ms);
  TimeText day = {};
  TimeText time = {};
  (void)std::strftime(day.data(), day.size(), "%a %b ", &local);
  (void)std::strftime(time.data(), time.size(), " %H:%M:%S %Y", &local);
  // ctime would pad the day with a second blank, which scripts split at.
  return day.data() + std::to_string(local.tm_mday) + time.data();
}

}  // namespace gatehouse
