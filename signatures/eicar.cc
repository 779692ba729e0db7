#include "signatures/eicar.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace gatehouse {
namespace {

// The test string, every byte exclusive-or kMask.
constexpr std::array<uint8_t, kEicarBytes> kMasked = {
    0xfd, 0x90, 0xea, 0x84, 0xf5, 0x80, 0xe5, 0xe4, 0xf5, 0xfe, 0x91, 0xf9,
    0xf5, 0xff, 0xfd, 0x90, 0x91, 0x8d, 0xf5, 0xfb, 0x8c, 0x92, 0xe6, 0xe6,
    0x8c, 0x92, 0xd8, 0x81, 0xe0, 0xec, 0xe6, 0xe4, 0xf7, 0x88, 0xf6, 0xf1,
    0xe4, 0xeb, 0xe1, 0xe4, 0xf7, 0xe1, 0x88, 0xe4, 0xeb, 0xf1, 0xec, 0xf3,
    0xec, 0xf7, 0xf0, 0xf6, 0x88, 0xf1, 0xe0, 0xf6, 0xf1, 0x88, 0xe3, 0xec,
    0xe9, 0xe0, 0x84, 0x81, 0xed, 0x8e, 0xed, 0x8f,
};

// Volatile: a compiler that knew the mask could put the clear text into the
// binary as constants to compare with.
const volatile uint8_t kMask = 0xa5;

bool MayFollow(uint8_t byte) {
  return byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d ||
         byte == 0x1a;
}

}  // namespace

bool IsEicarTestFile(ByteView file) {
  if (file.size() < kEicarBytes || file.size() > kEicarFileBytesMax) {
    return false;
  }
  const uint8_t mask = kMask;
  const bool starts_so = std::equal(
      kMasked.begin(), kMasked.end(), file.begin(),
      [mask](uint8_t masked, uint8_t byte) { return (byte ^ mask) == masked; });
  const ByteView rest = file.subspan(kEicarBytes);
  return starts_so && std::all_of(rest.begin(), rest.end(), MayFollow);
}

std::string AssembledEicar() {
  const uint8_t mask = kMask;
  std::string text;
  for (const uint8_t masked : kMasked) {
    text.push_back(static_cast<char>(masked ^ mask));
  }
  return text;
}

}  // namespace gatehouse
