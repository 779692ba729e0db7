#include "engine/matching/byte_compare.h"

#include <bit>
#include <limits>
#include <optional>

namespace gatehouse {
namespace {

constexpr uint64_t kNumberMax = std::numeric_limits<int64_t>::max();
// "0x" and one digit: of shorter texts kAutoText never tells what they are.
constexpr size_t kAutoBytesMin = 3;

ByteOrderMark OrderOf(const CompareRecord& compare) {
  return static_cast<ByteOrderMark>(compare.order);
}

std::optional<uint32_t> Digit(uint8_t byte, uint32_t base) {
  uint32_t digit = base;
  if (byte >= '0' && byte <= '9') digit = byte - uint32_t{'0'};
  if (byte >= 'a' && byte <= 'f') digit = byte - uint32_t{'a'} + 10;
  if (byte >= 'A' && byte <= 'F') digit = byte - uint32_t{'A'} + 10;
  if (digit >= base) return std::nullopt;
  return digit;
}

bool IsSpace(uint8_t byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool HasPrefix(ByteView text) {
  return text.size() >= 2 && text[0] == '0' &&
         (text[1] == 'x' || text[1] == 'X');
}

// As C reads a number: a sign, or for 16 a prefix, and the digits that follow.
// None of them is 0, except where all of the text must be the number.
std::optional<int64_t> BigEndianNumber(ByteView text, uint32_t base,
                                       size_t exact_bytes) {
  size_t used = 0;
  bool is_negative = false;
  if (base == 16 && HasPrefix(text)) {
    used = text.size() > 2 && Digit(text[2], base) ? 2 : 0;
  } else if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    is_negative = text[0] == '-';
    used = 1;
  }
  const uint64_t max = is_negative ? kNumberMax + 1 : kNumberMax;
  uint64_t value = 0;
  for (; used < text.size(); ++used) {
    const std::optional<uint32_t> digit = Digit(text[used], base);
    if (!digit) break;
    if (value > (max - *digit) / base) return std::nullopt;
    value = value * base + *digit;
  }
  if (exact_bytes != 0 && used != exact_bytes) return std::nullopt;
  return std::bit_cast<int64_t>(is_negative ? 0 - value : value);
}

// Pairs of digits, the first of which is worth least; up to one that is none.
// A single digit at the front is a pair with 0.
std::optional<int64_t> LittleEndianNumber(ByteView text, size_t exact_bytes) {
  if (HasPrefix(text)) text = text.subspan(2);
  const size_t pairs = (text.size() + 1) / 2;
  // As observed.
  const bool is_exact =
      text.size() == exact_bytes && (exact_bytes % 2 == 0 || exact_bytes == 1);
  if (exact_bytes != 0 && !is_exact) return std::nullopt;
  uint64_t value = 0;
  for (size_t pair = 0; pair < pairs; ++pair) {
    const size_t low = 2 * pair + 1 - text.size() % 2;
    const auto high_digit = low == 0 ? 0 : Digit(text[low - 1], 16);
    const auto low_digit = Digit(text[low], 16);
    if (!high_digit || !low_digit) break;
    const uint64_t byte = uint64_t{*high_digit} << 4 | *low_digit;
    if (byte == 0) continue;
    if (pair >= sizeof(value)) return std::nullopt;
    value |= byte << (8 * pair);
  }
  if (value > kNumberMax) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::optional<int64_t> TextNumber(const CompareRecord& compare, ByteView text) {
  while (!text.empty() && IsSpace(text[0])) text = text.subspan(1);
  const auto form = static_cast<NumberForm>(compare.form);
  const bool is_little = OrderOf(compare) == ByteOrderMark::kLittle;
  bool is_hex = form == NumberForm::kHexText;
  if (form == NumberForm::kAutoText) {
    is_hex = HasPrefix(text);
    if (text.size() < kAutoBytesMin || (is_little && !is_hex)) {
      return std::nullopt;
    }
  }
  const size_t exact_bytes = compare.is_exact != 0 ? compare.bytes : 0;
  if (is_hex && is_little) return LittleEndianNumber(text, exact_bytes);
  return BigEndianNumber(text, is_hex ? 16 : 10, exact_bytes);
}

int64_t RawNumber(const CompareRecord& compare, ByteView bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool is_little = OrderOf(compare) == ByteOrderMark::kLittle;
    value = value << 8 | bytes[is_little ? bytes.size() - 1 - i : i];
  }
  return std::bit_cast<int64_t>(value);
}

bool Holds(Comparison comparison, int64_t number, int64_t value) {
  switch (comparison) {
    case Comparison::kNone:
      return true;
    case Comparison::kEqual:
      return number == value;
    case Comparison::kGreater:
      return number > value;
    case Comparison::kLess:
      return number < value;
  }
  return false;
}

}  // namespace

bool ByteCompareHolds(const CompareRecord& compare, uint64_t base,
                      Content& content) {
  const auto at = static_cast<int64_t>(base) + compare.distance;
  // As observed: without a byte order, nothing ever compares.
  if (OrderOf(compare) == ByteOrderMark::kNone) return false;
  if (at <= 0 || static_cast<uint64_t>(at) >= content.size()) return false;
  const ByteView bytes = content.At(static_cast<uint64_t>(at), compare.bytes);
  if (bytes.size() < compare.bytes) return false;
  std::optional<int64_t> number;
  if (static_cast<NumberForm>(compare.form) == NumberForm::kRaw) {
    number = RawNumber(compare, bytes);
  } else {
    number = TextNumber(compare, bytes);
  }
  if (!number) return false;
  for (size_t i = 0; i < compare.values.size(); ++i) {
    if (!Holds(static_cast<Comparison>(compare.comparisons.at(i)), *number,
               compare.values.at(i))) {
      return false;
    }
  }
  return true;
}

}  // namespace gatehouse
