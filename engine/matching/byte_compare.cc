#include "engine/matching/byte_compare.h"

#include <bit>
#include <limits>
#include <optional>

namespace gatehouse {
namespace {

constexpr uint64_t kNumberMax = std::numeric_limits<int64_t>::max();

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

// The digits at the front of `text`.
std::optional<int64_t> Number(ByteView text, uint32_t base, bool is_exact) {
  uint64_t value = 0;
  size_t digits = 0;
  for (const uint8_t byte : text) {
    const std::optional<uint32_t> digit = Digit(byte, base);
    if (!digit) break;
    if (value > (kNumberMax - *digit) / base) return std::nullopt;
    value = value * base + *digit;
    ++digits;
  }
  if (digits == 0 || (is_exact && digits != text.size())) return std::nullopt;
  return static_cast<int64_t>(value);
}

std::optional<int64_t> TextNumber(const CompareRecord& compare, ByteView text) {
  const auto form = static_cast<NumberForm>(compare.form);
  const bool has_prefix =
      text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  if (has_prefix && form != NumberForm::kDecimalText) {
    return Number(text.subspan(2), 16, compare.is_exact != 0);
  }
  if (form == NumberForm::kHexText) {
    return Number(text, 16, compare.is_exact != 0);
  }
  return Number(text, 10, compare.is_exact != 0);
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
