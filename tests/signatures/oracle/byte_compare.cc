#include "tests/signatures/oracle/byte_compare.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

#include "tests/signatures/oracle/text.h"

namespace gatehouse::oracle {
namespace {

constexpr uint64_t kHexLengthMax = 18;

ParseFailure Fail(std::string reason) {
  return {"byte compare: " + std::move(reason), FailureKind::kMalformed};
}

std::optional<ParseFailure> ParseOffsetOf(std::string_view text,
                                          ByteCompare& compare) {
  int64_t sign = 1;
  if (text.starts_with(">>") || text.starts_with("<<")) {
    sign = text[0] == '>' ? 1 : -1;
    text.remove_prefix(2);
  } else if (!text.starts_with('0')) {
    return Fail("an offset without a direction");
  }
  const auto distance = ParseNumber(text);
  if (!distance || *distance > INT32_MAX) return Fail("not an offset");
  compare.offset = sign * static_cast<int64_t>(*distance);
  return std::nullopt;
}

std::optional<ParseFailure> CheckLength(const ByteCompare& compare) {
  const uint64_t length = compare.length;
  if (length == 0) return Fail("no length");
  if (compare.base == 'i' && length != 1 && length != 2 && length != 4 &&
      length != 8) {
    return Fail("a raw length that is not 1, 2, 4 or 8");
  }
  if (compare.base != 'i' && length > kHexLengthMax) return Fail("too long");
  return std::nullopt;
}

std::optional<ParseFailure> ParseOptions(std::string_view text,
                                         ByteCompare& compare) {
  bool has_base = false;
  bool has_endian = false;
  compare.endian = '\0';
  size_t at = 0;
  for (; at < text.size() && (text[at] < '0' || text[at] > '9'); ++at) {
    const char c = text[at];
    const bool is_base = c == 'h' || c == 'd' || c == 'a' || c == 'i';
    const bool is_endian = c == 'l' || c == 'b';
    // The same one again does no harm to ClamAV.
    if ((is_base && has_base && c != compare.base) ||
        (is_endian && has_endian && c != compare.endian)) {
      return Fail("two options against each other");
    }
    if (is_base) {
      compare.base = c;
      has_base = true;
    } else if (is_endian) {
      compare.endian = c;
      has_endian = true;
    } else if (c == 'e') {
      compare.exact = true;
    } else {
      return Fail("an unknown option");
    }
  }
  if (!has_base) return Fail("no kind of number");
  if (compare.base == 'd') {
    if (has_endian && compare.endian == 'l') return Fail("decimal is big");
    compare.endian = 'b';
  }
  const auto length = ParseNumber(text.substr(at));
  if (!length) return Fail("not a length");
  compare.length = *length;
  return CheckLength(compare);
}

std::optional<ParseFailure> ParseComparisons(std::string_view text,
                                             ByteCompare& compare) {
  const auto items = SplitText(text, ',');
  if (items.size() > 2) return Fail("more than two comparisons");
  for (const std::string_view item : items) {
    if (item.empty() ||
        std::string_view("<>=").find(item[0]) == std::string_view::npos) {
      return Fail("an unknown comparison");
    }
    const auto value = ParseNumber(item.substr(1));
    if (!value) return Fail("not a value to compare with");
    compare.comparisons.emplace_back(item[0], *value);
  }
  return std::nullopt;
}

std::optional<int64_t> RawNumber(const ByteCompare& compare,
                                 std::string_view field) {
  std::string ordered(field);
  if (compare.endian == 'l') std::reverse(ordered.begin(), ordered.end());
  uint64_t value = 0;
  for (const char c : ordered) value = value << 8 | static_cast<uint8_t>(c);
  return static_cast<int64_t>(value);
}

constexpr std::string_view kHexDigits = "0123456789abcdef";

// What strtoll makes of it, and how much of it is the number; nothing when it
// does not fit. "0x" may stand only at the very front.
std::optional<int64_t> ReadNumber(const std::string& text, int base,
                                  size_t& used) {
  const bool signed_prefix =
      text.size() > 2 && text[2] == 'x' && (text[0] == '-' || text[0] == '+');
  const std::string read = signed_prefix ? text.substr(0, 2) : text;
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(read.c_str(), &end, base);
  if (errno == ERANGE) return std::nullopt;
  used = static_cast<size_t>(end - read.c_str());
  return value;
}

// Hex text in little endian: the bytes that the digits spell are reversed.
// What does not spell a byte, and all behind it, is zero.
std::string ReversePairs(std::string digits) {
  if (digits.size() % 2 != 0) digits.insert(digits.begin(), '0');
  std::string reversed;
  bool valid = true;
  for (size_t at = 0; at < digits.size(); at += 2) {
    const std::string pair = digits.substr(at, 2);
    valid = valid && pair.find_first_not_of(kHexDigits) == pair.npos;
    reversed.insert(0, valid ? pair : "00");
  }
  return reversed;
}

// All of this was found out with clamscan.
std::optional<int64_t> TextNumber(const ByteCompare& compare,
                                  std::string_view field) {
  std::string text = LowerCase(field);
  const size_t first = text.find_first_not_of(" \t\n\v\f\r");
  text = first == std::string::npos ? "" : text.substr(first);
  const bool has_prefix = text.starts_with("0x");
  bool hex = compare.base == 'h';
  const bool little = compare.endian == 'l';
  if (compare.base == 'a') {
    hex = has_prefix;
    if (text.size() < 3 || (little && !hex)) return std::nullopt;
  }
  size_t used = 0;
  if (hex && little) {
    if (has_prefix) text = text.substr(2);
    const bool whole = text.size() == compare.length;
    const bool pairs = text.size() % 2 == 0 || compare.length == 1;
    if (compare.exact && !(whole && pairs)) return std::nullopt;
    return ReadNumber(ReversePairs(text), 16, used);
  }
  const auto value = ReadNumber(text, hex ? 16 : 10, used);
  if (compare.exact && used != compare.length) return std::nullopt;
  return value;
}

}  // namespace

Parsed<ByteCompare> ParseByteCompare(std::string_view text) {
  ByteCompare compare;
  const size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) {
    return Fail("no parentheses");
  }
  const auto reference = ParseDecimal(text.substr(0, open));
  if (!reference) return Fail("no subsignature to start from");
  compare.reference = *reference;
  const auto fields =
      SplitText(text.substr(open + 1, text.size() - open - 2), '#');
  if (fields.size() != 3) return Fail("not three fields");
  if (const auto failure = ParseOffsetOf(fields[0], compare)) return *failure;
  if (const auto failure = ParseOptions(fields[1], compare)) return *failure;
  if (const auto failure = ParseComparisons(fields[2], compare)) {
    return *failure;
  }
  return compare;
}

bool ByteCompareHolds(const ByteCompare& compare, std::string_view bytes,
                      uint64_t base) {
  // Without a byte order nothing but a decimal is ever equal to anything.
  if (compare.endian == '\0') return false;
  const int64_t at = static_cast<int64_t>(base) + compare.offset;
  const auto size = static_cast<int64_t>(bytes.size());
  if (at <= 0 || at + static_cast<int64_t>(compare.length) > size) {
    return false;
  }
  const std::string_view field =
      bytes.substr(static_cast<size_t>(at), compare.length);
  const auto number = compare.base == 'i' ? RawNumber(compare, field)
                                          : TextNumber(compare, field);
  if (!number) return false;
  return std::all_of(
      compare.comparisons.begin(), compare.comparisons.end(),
      [&](const std::pair<char, uint64_t>& comparison) {
        const auto value = static_cast<int64_t>(comparison.second);
        if (comparison.first == '=') return *number == value;
        return comparison.first == '<' ? *number < value : *number > value;
      });
}

}  // namespace gatehouse::oracle
