#include "signatures/clamav/signature_line.h"

#include <charconv>
#include <system_error>

namespace gatehouse {

std::vector<std::string_view> SplitFields(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const size_t colon = line.find(':');
    fields.push_back(line.substr(0, colon));
    if (colon == std::string_view::npos) return fields;
    line.remove_prefix(colon + 1);
  }
}

std::optional<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed_to != end) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseHexNumber(std::string_view text) {
  if (text.empty() || text.size() > 16) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    const std::optional<uint8_t> digit = ParseHexDigit(c);
    if (!digit) return std::nullopt;
    value = value << 4 | *digit;
  }
  return value;
}

std::optional<uint8_t> ParseHexDigit(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') {
    return static_cast<uint8_t>(digit - 'a' + 10);
  }
  if (digit >= 'A' && digit <= 'F') {
    return static_cast<uint8_t>(digit - 'A' + 10);
  }
  return std::nullopt;
}

std::optional<std::vector<uint8_t>> ParseHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<uint8_t> bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const std::optional<uint8_t> high = ParseHexDigit(text[i]);
    const std::optional<uint8_t> low = ParseHexDigit(text[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<uint8_t>((*high << 4) | *low));
  }
  return bytes;
}

std::optional<LevelRange> ParseLevelRange(
    const std::vector<std::string_view>& fields, size_t first) {
  LevelRange range;
  if (fields.size() > first) {
    const std::optional<uint64_t> min = ParseDecimal(fields[first]);
    if (!min) return std::nullopt;
    range.min = *min;
  }
  if (fields.size() > first + 1) {
    const std::optional<uint64_t> max = ParseDecimal(fields[first + 1]);
    if (!max) return std::nullopt;
    range.max = *max;
  }
  return range;
}

SkippedLine OutsideLevelRange() {
  return {"meant for engines of another functionality level than " +
              std::to_string(kFunctionalityLevel),
          SkipKind::kLevel};
}

}  // namespace gatehouse
