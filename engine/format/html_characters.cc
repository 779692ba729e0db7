#include "engine/format/html_characters.h"

#include <algorithm>
#include <cassert>
#include <string_view>

namespace gatehouse {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

constexpr std::array<uint8_t, 1> kFullStop = {'.'};
// U+3002, U+FE52, U+FF0E.
constexpr std::array<std::array<uint8_t, 3>, 3> kWideFullStops = {
    {{0xe3, 0x80, 0x82}, {0xef, 0xb9, 0x92}, {0xef, 0xbc, 0x8e}}};

bool IsDigit(uint8_t c) { return c >= '0' && c <= '9'; }

}  // namespace

bool IsReferenceNameCharacter(uint8_t c) {
  const uint8_t lower = LowerCase(c);
  return IsDigit(c) || (lower >= 'a' && lower <= 'z') || c == '-' || c == ':' ||
         c == '_';
}

std::optional<uint32_t> DigitValue(uint8_t c, uint32_t base) {
  if (IsDigit(c)) return uint32_t{c} - '0';
  const uint8_t lower = LowerCase(c);
  if (base == 16 && lower >= 'a' && lower <= 'f') {
    return uint32_t{lower} - 'a' + 10;
  }
  return std::nullopt;
}

std::array<uint8_t, 8> HexReference(uint16_t code) {
  std::array<uint8_t, 8> text = {'&', '#', 'x', 0, 0, 0, 0, ';'};
  for (size_t i = 6; i >= 3; --i) {
    text.at(i) = static_cast<uint8_t>(kHexDigits.at(code & 0xf));
    code = static_cast<uint16_t>(code >> 4);
  }
  return text;
}

bool IsWideFullStop(ByteView bytes) {
  return std::any_of(
      kWideFullStops.begin(), kWideFullStops.end(), [bytes](ByteView stop) {
        return std::equal(bytes.begin(), bytes.end(), stop.begin(), stop.end());
      });
}

void HighBytes::Append(uint8_t c) {
  assert(count_ < bytes_.size());
  if (count_ == 1 && bytes_.front() == 0) count_ = 0;
  bytes_.at(count_++) = c;
}

bool HighBytes::MakesFullStopWith(uint8_t c) const {
  return count_ == 1 && bytes_.front() == kBigFiveLead &&
         (c == 'C' || c == 'D' || c == 'O');
}

ByteView HighBytes::Take() {
  const ByteView taken = ByteView(bytes_).first(count_);
  count_ = 0;
  return IsWideFullStop(taken) ? ByteView(kFullStop) : taken;
}

}  // namespace gatehouse
