#include "signatures/byte_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace gatehouse {
namespace {

// A program of any operations.
std::vector<uint8_t> SomeProgram(std::mt19937_64& chance, int depth = 0) {
  PatternWriter writer;
  for (size_t i = 1 + chance() % 6; i > 0; --i) {
    const auto byte = static_cast<uint8_t>(chance());
    switch (chance() % 8) {
      case 0:
        writer.Folded('a');
        break;
      case 1:
        writer.Masked({byte, 0xf0});
        break;
      case 2:
        writer.Any(1 + static_cast<uint32_t>(chance() % 9));
        break;
      case 3:
        if (depth == 0) writer.Gap(1, 7);
        break;
      case 4:
        if (depth < 2) {
          writer.OneOf(
              {SomeProgram(chance, depth + 1), SomeProgram(chance, depth + 1)});
        }
        break;
      case 5:
        writer.NoneOf({{byte, 1}, {byte, 2}});
        break;
      default:
        writer.Literal(byte);
        break;
    }
  }
  writer.Literal('x');
  return writer.Take();
}

// Both ways to look at a program are of one mind, whatever was done to it.
TEST(BytePatternTest, HasPartsWhenThereAreParts) {
  constexpr uint32_t kLengthMax = 40;
  std::mt19937_64 chance(20261127);
  size_t good = 0;
  constexpr size_t kCases = 200'000;
  for (size_t i = 0; i < kCases; ++i) {
    std::vector<uint8_t> code = SomeProgram(chance);
    for (size_t k = chance() % 3; k > 0; --k) {
      uint8_t& byte = code[chance() % code.size()];
      byte = static_cast<uint8_t>(chance() % 4 == 0 ? chance() : chance() % 12);
    }
    if (chance() % 8 == 0) code.resize(chance() % (code.size() + 1));
    const auto parts = PartsOf(code);
    const bool expected =
        parts &&
        std::all_of(parts->begin(), parts->end(), [](const PatternPart& part) {
          return part.length_max <= kLengthMax;
        });
    ASSERT_EQ(HasParts(code, kLengthMax), expected) << "case " << i;
    good += expected ? 1 : 0;
  }
  // Both answers were asked for.
  EXPECT_GT(good, kCases / 10);
  EXPECT_LT(good, kCases - kCases / 10);
}

}  // namespace
}  // namespace gatehouse
