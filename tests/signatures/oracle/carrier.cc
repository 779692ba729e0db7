#include "tests/signatures/oracle/carrier.h"

#include <algorithm>

namespace gatehouse::oracle {
namespace {

Carrier Binary(int target, std::string head) {
  return {std::move(head), '\0', false, target, ""};
}

std::vector<Carrier> Graphics() {
  return {Binary(5, std::string("GIF89a\x01\0\x01\0\0\0\0", 13)),
          Binary(5, std::string("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16)),
          Binary(5, std::string("\xff\xd8\xff\xe0\0\x10JFIF\0", 11)),
          Binary(5, std::string("MM\0*\0\0\0\x08", 8)),
          Binary(5, std::string("II*\0\x08\0\0\0", 8)),
          Binary(5, "BM")};
}

}  // namespace

std::vector<Carrier> CarriersFor(int target) {
  switch (target) {
    case 0:
      // A type whose content is searched as it is. A file of no type might be
      // taken for HTML, and then only what is left of it is searched.
      return {Binary(5, std::string("GIF89a\x01\0\x01\0\0\0\0", 13)),
              Binary(14, std::string("\x7f\x81\0\xfe\x03\0\xff\x90", 8)),
              Binary(14, "")};
    case 2:
      return {Binary(
          2, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + std::string(504, '\0'))};
    case 3:
      return {{"<html>", '.', true, 3, ""}, {"", '.', true, 3, "<html>"}};
    case 4:
      return {{"From: a@b.c\nTo: d@e.f\nSubject: x\n\n", '.', false, 4, ""}};
    case 5:
      return Graphics();
    case 7:
      return {{"some words of text ", '.', true, 7, ""},
              {"", '.', true, 7, ""}};
    case 10:
      return {Binary(10, "%PDF-1.4\n")};
    case 11:
      return {Binary(11, std::string("FWS\x05\xff\xff\0\0", 8))};
    case 12:
      return {Binary(12, std::string("\xca\xfe\xba\xbe\0\0\0\x34\0\x10", 10))};
    case 14:
      return {Binary(14, std::string("\x7f\x81\0\xfe\x03\0\xff\x90", 8))};
    default:
      return {};
  }
}

bool IsNormalised(std::string_view text, bool html) {
  // Declarations are dropped, and quotes are made to pair.
  if (html && (text.find("<?") != text.npos || text.find("<!") != text.npos ||
               std::count(text.begin(), text.end(), '"') % 2 != 0)) {
    return false;
  }
  char before = '\0';
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
    if (c >= 'A' && c <= 'Z') return false;
    if (c == ' ' && before == ' ') return false;
    if (html && c == '&') return false;
    before = c;
  }
  return true;
}

}  // namespace gatehouse::oracle
