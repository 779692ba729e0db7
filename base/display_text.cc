#include "base/display_text.h"

#include <array>
#include <cstdint>

namespace gatehouse {
namespace {

struct CodePoint {
  uint32_t value = 0;
  size_t length = 0;  // 0: not well-formed at this place.
};

uint8_t ByteAt(std::string_view text, size_t index) {
  return static_cast<uint8_t>(text[index]);
}

// RFC 3629, section 4: the first byte fixes length and smallest value.
CodePoint Decode(std::string_view text) {
  const uint8_t first = ByteAt(text, 0);
  if (first < 0x80) return {first, 1};
  size_t length = 0;
  uint32_t smallest = 0;
  uint32_t value = 0;
  if ((first & 0xE0) == 0xC0) {
    length = 2;
    smallest = 0x80;
    value = first & 0x1FU;
  } else if ((first & 0xF0) == 0xE0) {
    length = 3;
    smallest = 0x800;
    value = first & 0x0FU;
  } else if ((first & 0xF8) == 0xF0) {
    length = 4;
    smallest = 0x10000;
    value = first & 0x07U;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (size_t i = 1; i < length; ++i) {
    if ((ByteAt(text, i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (ByteAt(text, i) & 0x3FU);
  }
  if (value < smallest || value > 0x10FFFF) return {};
  if (value >= 0xD800 && value <= 0xDFFF) return {};
  return {value, length};
}

// Characters that change what the reader sees of the characters around them.
bool IsDeceptive(uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) ||
         code_point == '\\' || code_point == 0x061C ||
         (code_point >= 0x200B && code_point <= 0x200F) ||
         (code_point >= 0x2028 && code_point <= 0x202E) ||
         (code_point >= 0x2060 && code_point <= 0x206F) || code_point == 0xFEFF;
}

void AppendEscaped(std::string& out, uint8_t byte) {
  static constexpr std::array<char, 17> kHexDigits = {"0123456789abcdef"};
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      out += "\\x";
      out += kHexDigits.at(byte >> 4);
      out += kHexDigits.at(byte & 0x0FU);
  }
}

}  // namespace

std::string DisplayText(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const CodePoint code_point = Decode(bytes);
    const size_t length = code_point.length == 0 ? 1 : code_point.length;
    const std::string_view encoded = bytes.substr(0, length);
    if (code_point.length != 0 && !IsDeceptive(code_point.value)) {
      out += encoded;
    } else {
      for (const char c : encoded) AppendEscaped(out, static_cast<uint8_t>(c));
    }
    bytes.remove_prefix(length);
  }
  return out;
}

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const CodePoint code_point = Decode(bytes);
    if (code_point.length == 0) return false;
    bytes.remove_prefix(code_point.length);
  }
  return true;
}

std::string CutText(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t end = bytes_max;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end));
}

}  // namespace gatehouse
