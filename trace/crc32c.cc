#include "trace/crc32c.h"

#include <array>

namespace gatehouse {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Bits reversed.

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table = {};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1U) ^ ((value & 1U) != 0 ? kPolynomial : 0);
    }
    table[i] = value;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = MakeTable();

}  // namespace

uint32_t Crc32c(ByteView bytes, uint32_t before) {
  uint32_t value = ~before;
  for (const uint8_t byte : bytes) {
    value = (value >> 8U) ^ kTable[(value ^ byte) & 0xffU];
  }
  return ~value;
}

}  // namespace gatehouse
