#include "engine/format/html_reference.h"

#include <cassert>

#include "base/bytes.h"
#include "engine/format/html_character_names.h"
#include "engine/format/html_characters.h"

namespace gatehouse {
namespace {

constexpr size_t kDigitsMax = 7;  // So that a number has 32 bits at most.

HtmlReference NameAt(const uint8_t* piece, const uint8_t* lower) {
  size_t end = 1;
  while (IsReferenceNameCharacter(lower[end])) ++end;
  if (lower[end] != ';') return {};
  const auto code = CodeOfHtmlName(AsText({piece + 1, end - 1}));
  if (!code) return {};
  return {end + 1, *code, LowerCase(static_cast<uint8_t>(*code))};
}

HtmlReference NumberAt(const uint8_t* lower) {
  const uint32_t base = lower[2] == 'x' ? 16 : 10;
  const size_t begin = base == 16 ? 3 : 2;
  size_t end = begin;
  uint32_t number = 0;
  while (const auto digit = DigitValue(lower[end], base)) {
    if (end == begin + kDigitsMax) return {};
    number = number * base + *digit;
    ++end;
  }
  if (lower[end] != ';' || end == begin) return {};
  const auto code = static_cast<uint16_t>(number);
  const auto byte = static_cast<uint8_t>(number);
  // Numbers beyond 16 bits do not lose their upper case, only their rest.
  return {end + 1, code, code == number ? LowerCase(byte) : byte};
}

}  // namespace

HtmlReference HtmlReferenceAt(const uint8_t* piece, const uint8_t* lower) {
  assert(*piece == '&');
  return lower[1] == '#' ? NumberAt(lower) : NameAt(piece, lower);
}

}  // namespace gatehouse
