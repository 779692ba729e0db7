#include "base/utc_time.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>

#include "base/display_text.h"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kTimeMsMax = 253'402'300'799'999;  // Of the year 9999.

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads a text from left to right.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool Take(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // A number of exactly so many digits, up to `max`.
  std::optional<int> TakeNumber(size_t digits, int max) {
    if (rest_.size() < digits) return std::nullopt;
    int number = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (!IsDigit(c)) return std::nullopt;
      number = number * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    if (number > max) return std::nullopt;
    return number;
  }

 private:
  std::string_view rest_;
};

std::optional<milliseconds> DateOf(TimeReader& reader) {
  const std::optional<int> year = reader.TakeNumber(4, 9999);
  if (!year || *year < 1970 || !reader.Take('-')) return std::nullopt;
  const std::optional<int> month = reader.TakeNumber(2, 12);
  if (!month || !reader.Take('-')) return std::nullopt;
  const std::optional<int> day = reader.TakeNumber(2, 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(*month)),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch();
}

std::optional<milliseconds> TimeOfDay(TimeReader& reader) {
  const std::optional<int> hour = reader.TakeNumber(2, 23);
  if (!hour || !reader.Take(':')) return std::nullopt;
  const std::optional<int> minute = reader.TakeNumber(2, 59);
  if (!minute) return std::nullopt;
  int second = 0;
  if (reader.Take(':')) {
    const std::optional<int> read = reader.TakeNumber(2, 59);
    if (!read) return std::nullopt;
    second = *read;
  }
  if (!reader.Take('Z')) return std::nullopt;
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(second);
}

std::optional<milliseconds> MomentOf(std::string_view text) {
  TimeReader reader(text);
  const std::optional<milliseconds> date = DateOf(reader);
  if (!date || reader.at_end()) return date;
  if (!reader.Take('T')) return std::nullopt;
  const std::optional<milliseconds> time = TimeOfDay(reader);
  if (!time || !reader.at_end()) return std::nullopt;
  return *date + *time;
}

}  // namespace

std::string UtcTimeText(int64_t time_ms) {
  if (time_ms < 0 || time_ms > kTimeMsMax) return "?";
  const std::chrono::sys_time<milliseconds> moment{milliseconds(time_ms)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(
      std::chrono::floor<std::chrono::seconds>(moment - day));
  std::array<char, 64> text = {};
  (void)std::snprintf(text.data(), text.size(),
                      "%04d-%02u-%02uT%02d:%02d:%02dZ", int{date.year()},
                      unsigned{date.month()}, unsigned{date.day()},
                      static_cast<int>(time.hours().count()),
                      static_cast<int>(time.minutes().count()),
                      static_cast<int>(time.seconds().count()));
  return text.data();
}

Result<int64_t> ParseUtcTime(std::string_view text) {
  const std::optional<milliseconds> moment = MomentOf(text);
  if (moment) return int64_t{moment->count()};
  return Fail(ErrorCode::kInvalidInput,
              "'" + CutText(DisplayText(text), 64) +
                  "' is no time such as 2026-12-31 or 2026-12-31T23:59:59Z");
}

}  // namespace gatehouse
