#include "quarantine/threat_id.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace gatehouse {

std::string NewThreatId() {
  std::array<uint8_t, 16> bytes = {};
  // Cannot fail for so few bytes once the kernel has started.
  (void)!::getrandom(bytes.data(), bytes.size(), 0);
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3fU) | 0x80U);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes.at(i) >> 4U];
    text += kDigits[bytes.at(i) & 0x0fU];
  }
  return text;
}

}  // namespace gatehouse
