#include "engine/matching/literal_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

namespace gatehouse {
namespace {

// Vectors of the compiler's own kind: SSE2 on x86-64, NEON on arm64.
constexpr size_t kLanes = 16;
using Lanes = uint8_t __attribute__((vector_size(kLanes)));
using Words = uint64_t __attribute__((vector_size(kLanes)));

Lanes Load(const uint8_t* place) {
  Lanes lanes;
  std::memcpy(&lanes, place, sizeof(lanes));
  return lanes;
}

uint8_t Lower(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + ('a' - 'A'))
                                    : byte;
}

bool IsLetter(uint8_t byte) { return byte >= 'a' && byte <= 'z'; }

// A guess that holds for most files: the larger, the more common.
int CommonnessOf(uint8_t byte) {
  static constexpr std::string_view kCommon = " etaoinsrldcup\n";
  if (byte == 0) return 5;
  if (byte == 0xff || byte == 0x20) return 4;
  if (kCommon.find(static_cast<char>(byte)) != std::string_view::npos) {
    return 3;
  }
  if (byte < 0x10 || byte == 0x8b || byte == 0x48) return 2;
  return byte >= 0x20 && byte < 0x7f ? 1 : 0;
}

}  // namespace

LiteralSearch::LiteralSearch(ByteView literal, bool is_folded)
    : literal_(literal), is_folded_(is_folded) {
  assert(!literal.empty());
  size_t rarest = 0;
  for (size_t i = 1; i < literal.size(); ++i) {
    if (CommonnessOf(literal[i]) < CommonnessOf(literal[rarest])) rarest = i;
  }
  size_t next = rarest == 0 ? literal.size() - 1 : 0;
  for (size_t i = 0; i < literal.size(); ++i) {
    if (i != rarest && CommonnessOf(literal[i]) < CommonnessOf(literal[next])) {
      next = i;
    }
  }
  first_ = rarest;
  second_ = next;
}

bool LiteralSearch::IsEqual(ByteView literal, ByteView bytes, bool is_folded) {
  assert(literal.size() == bytes.size());
  if (!is_folded) {
    return std::memcmp(bytes.data(), literal.data(), literal.size()) == 0;
  }
  return std::equal(literal.begin(), literal.end(), bytes.begin(),
                    [](uint8_t a, uint8_t b) { return a == Lower(b); });
}

bool LiteralSearch::Fits(const uint8_t* place) const {
  return IsEqual(literal_, {place, literal_.size()}, is_folded_);
}

size_t LiteralSearch::FindSlowly(ByteView bytes, size_t from) const {
  for (; from + literal_.size() <= bytes.size(); ++from) {
    if (Fits(&bytes[from])) return from;
  }
  return kNone;
}

size_t LiteralSearch::Find(ByteView bytes, size_t from) const {
  const uint8_t* const begin = bytes.data();
  const size_t farther = std::max(first_, second_);
  // Letters of either case differ in one bit, which is then not looked at;
  // other bytes that it makes equal are sorted out by Fits.
  const auto case_bit = [this](size_t i) {
    return static_cast<uint8_t>(is_folded_ && IsLetter(literal_[i]) ? 0x20 : 0);
  };
  const Lanes first_bit = Lanes{} + case_bit(first_);
  const Lanes second_bit = Lanes{} + case_bit(second_);
  const Lanes first = Lanes{} + literal_[first_];
  const Lanes second = Lanes{} + literal_[second_];
  while (from + farther + kLanes <= bytes.size() &&
         from + literal_.size() <= bytes.size()) {
    const Lanes fits = ((Load(begin + from + first_) | first_bit) == first) &
                       ((Load(begin + from + second_) | second_bit) == second);
    Words words;
    std::memcpy(&words, &fits, sizeof(words));
    if ((words[0] | words[1]) == 0) {
      from += kLanes;
      continue;
    }
    for (size_t lane = 0; lane < kLanes; ++lane) {
      if (fits[lane] != 0 && from + lane + literal_.size() <= bytes.size() &&
          Fits(begin + from + lane)) {
        return from + lane;
      }
    }
    from += kLanes;
  }
  return FindSlowly(bytes, from);
}

}  // namespace gatehouse
