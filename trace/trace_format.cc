#include "trace/trace_format.h"

#include <cassert>

namespace gatehouse {
namespace {

constexpr unsigned int kBitsPerByte = 7;  // Of a number; the eighth: goes on.
constexpr unsigned int kNumberBits = 64;
constexpr uint8_t kGoesOn = 0x80;

}  // namespace

void AppendNumber(std::string& to, uint64_t value) {
  while (value >= kGoesOn) {
    to.push_back(static_cast<char>((value & 0x7fU) | kGoesOn));
    value >>= kBitsPerByte;
  }
  to.push_back(static_cast<char>(value));
}

void AppendSigned(std::string& to, int64_t value) {
  // Small amounts of either sign are small numbers.
  const auto bits = static_cast<uint64_t>(value);
  AppendNumber(to, (bits << 1U) ^ (value < 0 ? ~uint64_t{0} : 0));
}

void AppendDifference(std::string& to, int64_t value, int64_t from) {
  AppendSigned(to, static_cast<int64_t>(static_cast<uint64_t>(value) -
                                        static_cast<uint64_t>(from)));
}

void AppendText(std::string& to, std::string_view text) {
  AppendNumber(to, text.size());
  to.append(text);
}

void AppendFixed32(std::string& to, uint32_t value) {
  for (unsigned int shift = 0; shift < 32; shift += 8) {
    to.push_back(static_cast<char>(value >> shift & 0xffU));
  }
}

uint64_t FieldReader::Number() {
  uint64_t value = 0;
  for (unsigned int shift = 0; shift < kNumberBits && !left_.empty();
       shift += kBitsPerByte) {
    const uint8_t byte = left_.front();
    left_ = left_.subspan(1);
    const uint64_t bits = byte & 0x7fU;
    if (shift == 63 && bits > 1) break;  // More than 64 bits.
    value |= bits << shift;
    if ((byte & kGoesOn) == 0) return value;
  }
  failed_ = true;
  return 0;
}

int64_t FieldReader::Signed() {
  const uint64_t coded = Number();
  return static_cast<int64_t>((coded >> 1U) ^
                              ((coded & 1U) != 0 ? ~uint64_t{0} : 0));
}

int32_t FieldReader::Signed32() {
  const int64_t value = Signed();
  if (value >= INT32_MIN && value <= INT32_MAX) {
    return static_cast<int32_t>(value);
  }
  failed_ = true;
  return 0;
}

uint64_t FieldReader::NumberUpTo(uint64_t max) {
  const uint64_t value = Number();
  if (value <= max) return value;
  failed_ = true;
  return 0;
}

std::string FieldReader::Text(size_t bytes_max) {
  return std::string(AsText(Bytes(NumberUpTo(bytes_max))));
}

ByteView FieldReader::Bytes(uint64_t count) {
  if (count > left_.size()) {
    failed_ = true;
    return {};
  }
  const ByteView bytes = left_.first(count);
  left_ = left_.subspan(bytes.size());
  return bytes;
}

uint32_t Fixed32At(ByteView bytes, size_t offset) {
  assert(offset + 4 <= bytes.size());
  uint32_t value = 0;
  for (size_t i = 4; i > 0; --i) value = value << 8U | bytes[offset + i - 1];
  return value;
}

}  // namespace gatehouse
