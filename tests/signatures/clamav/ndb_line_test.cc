#include "signatures/clamav/ndb_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "signatures/clamav/offset_field.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

struct LoadedCase {
  const char* line;
  PatternOffset offset;
  std::vector<uint8_t> program;
};

struct RefusedCase {
  const char* line;
  const char* reason;
};

class NdbLoadedTest : public testing::TestWithParam<LoadedCase> {};
class NdbSkippedTest : public testing::TestWithParam<RefusedCase> {};
class NdbMalformedTest : public testing::TestWithParam<RefusedCase> {};

const PatternAtom& PatternOf(const Signature& signature) {
  return std::get<PatternAtom>(signature.atoms.front());
}

TEST_P(NdbLoadedTest, LoadsTheLine) {
  const auto parsed = ParseNdbLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<Signature>(parsed));
  const auto& signature = std::get<Signature>(parsed);
  EXPECT_EQ(signature.name, "Name.One");
  ASSERT_THAT(signature.atoms, SizeIs(1));
  EXPECT_EQ(PatternOf(signature).offset, GetParam().offset);
  EXPECT_THAT(PatternOf(signature).variants, ElementsAre(GetParam().program));
}

TEST_P(NdbSkippedTest, SkipsTheLineWithAReason) {
  const auto parsed = ParseNdbLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<SkippedLine>(parsed));
  EXPECT_THAT(std::get<SkippedLine>(parsed).reason,
              HasSubstr(GetParam().reason));
}

TEST_P(NdbMalformedTest, CallsTheLineMalformedWithAReason) {
  const auto parsed = ParseNdbLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<MalformedLine>(parsed));
  EXPECT_THAT(std::get<MalformedLine>(parsed).reason,
              HasSubstr(GetParam().reason));
}

const PatternOffset kAnywhere;
constexpr auto kOffsetMaxSigned = static_cast<int64_t>(kOffsetMax);

const LoadedCase kLoaded[] = {
    {"Name.One:0:*:aabb", kAnywhere, {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:*:*:AaBb", kAnywhere, {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:0:0:0000", {OffsetBase::kStart, 0, 0, 0}, {1, 2, 0, 0, 0}},
    {"Name.One:00:007:00ff10",
     {OffsetBase::kStart, 0, 7, 0},
     {1, 3, 0, 0, 0xff, 0x10}},
    {"Name.One:0:4611686018427387904:aabb",
     {OffsetBase::kStart, 0, kOffsetMaxSigned, 0},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:0:*:aabb:213", kAnywhere, {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:0:*:aabb:0:213", kAnywhere, {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:0:*:aabb:51:255", kAnywhere, {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:0:10,20:aabb",
     {OffsetBase::kStart, 0, 10, 20},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:3:EOF-10,3:aabb",
     {OffsetBase::kEnd, 0, 10, 3},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:1:EP+9:aabb",
     {OffsetBase::kEntryPoint, 0, 9, 0},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:6:EP-10,4:aabb",
     {OffsetBase::kEntryPoint, 0, -10, 4},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:9:S3+12:aabb",
     {OffsetBase::kSection, 3, 12, 0},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:1:SL+3:aabb",
     {OffsetBase::kLastSection, 0, 3, 0},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:1:SE2:aabb",
     {OffsetBase::kInSection, 2, 0, 0},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:1:VI:aabb",
     {OffsetBase::kVersionStrings, 0, 0, 0},
     {1, 2, 0, 0xaa, 0xbb}},
    {"Name.One:0:$31$:aabb",
     {OffsetBase::kMacroGroup, 31, 0, 0},
     {1, 2, 0, 0xaa, 0xbb}},
};

const RefusedCase kSkipped[] = {
    {"N:0:*:aabb:214", "functionality level"},
    {"N:0:*:aabb:0:212", "functionality level"},
    {"N:0:*:aabb:255:51", "functionality level"},
    {"N:15:*:aabb", "unknown target 15"},
    {"N:18446744073709551615:*:aabb", "unknown target"},
};

const RefusedCase kMalformed[] = {
    {"", "expected 4 to 6 fields, found 1"},
    {"N:0:*", "expected 4 to 6 fields, found 3"},
    {"N:0:*:aabb:1:2:3", "expected 4 to 6 fields, found 7"},
    {":0:*:aabb", "no name"},
    {"N::*:aabb", "target is not a number"},
    {"N:x:*:aabb", "target is not a number"},
    {"N:-1:*:aabb", "target is not a number"},
    {"N: 1:*:aabb", "target is not a number"},
    {"N:18446744073709551616:*:aabb", "target is not a number"},
    {"N:0::aabb", "offset is not understood"},
    {"N:0:x:aabb", "offset is not understood"},
    {"N:0:-1:aabb", "offset is not understood"},
    {"N:0:+1:aabb", "offset is not understood"},
    {"N:0:0x10:aabb", "offset is not understood"},
    {"N:0:EOF:aabb", "offset is not understood"},
    {"N:0:EOF+1:aabb", "offset is not understood"},
    {"N:1:EP:aabb", "offset is not understood"},
    {"N:1:S+1:aabb", "offset is not understood"},
    {"N:1:SE:aabb", "offset is not understood"},
    {"N:0:*,5:aabb", "offset is not understood"},
    {"N:0:10,:aabb", "shift is not a number"},
    {"N:0:10,x:aabb", "shift is not a number"},
    {"N:0:10,2,3:aabb", "shift is not a number"},
    {"N:0:4611686018427387905:aabb", "offset too large"},
    {"N:0:99999999999999999999999:aabb", "offset is not understood"},
    {"N:0:"
     "00000000000000000000000000000000000000000000000000000000000000000:aabb",
     "offset longer than 64 characters"},
    {"N:0:EP+0:aabb", "needs an executable target"},
    {"N:3:SL+0:aabb", "needs an executable target"},
    {"N:0:*:", "no hexadecimal bytes"},
    {"N:0:*:aab", "odd number"},
    {"N:0:*:aa", "without two given bytes in a row"},
    {"N:0:$32$:aabb", "macro group is not understood"},
    {"N:0:*:aaxx", "not a hexadecimal digit or operator"},
    {"N:0:*:aa bb", "not a hexadecimal digit or operator"},
    {"N:0:*:aabb:x", "functionality level is not a number"},
    {"N:0:*:aabb:", "functionality level is not a number"},
    {"N:0:*:aabb:1:", "functionality level is not a number"},
    {"N:1:*:aab", "odd number"},
    {"N:0:EOF-1:zz", "not a hexadecimal digit or operator"},
    // A mistake of form counts even where the line would be skipped.
    {"N:15:*:aabb:x", "functionality level is not a number"},
};

INSTANTIATE_TEST_SUITE_P(Table, NdbLoadedTest, testing::ValuesIn(kLoaded));
INSTANTIATE_TEST_SUITE_P(Table, NdbSkippedTest, testing::ValuesIn(kSkipped));
INSTANTIATE_TEST_SUITE_P(Table, NdbMalformedTest,
                         testing::ValuesIn(kMalformed));

TEST(NdbLineTest, KeepsTheBytesOfAName) {
  const auto parsed = ParseNdbLine("\x1b[1m\xff 'x':0:*:aabb");
  ASSERT_TRUE(std::holds_alternative<Signature>(parsed));
  EXPECT_EQ(std::get<Signature>(parsed).name, "\x1b[1m\xff 'x'");
}

TEST(NdbLineTest, ParsesEveryHexDigit) {
  const auto parsed = ParseNdbLine("N:0:*:0123456789abcdefABCDEF");
  ASSERT_TRUE(std::holds_alternative<Signature>(parsed));
  EXPECT_THAT(PatternOf(std::get<Signature>(parsed)).variants.front(),
              ElementsAre(1, 11, 0, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd,
                          0xef, 0xab, 0xcd, 0xef));
}

TEST(DbLineTest, LoadsAPatternThatMayBeAnywhere) {
  const auto parsed = ParseDbLine("Name.One=aa??bbcc");
  ASSERT_TRUE(std::holds_alternative<Signature>(parsed));
  const auto& signature = std::get<Signature>(parsed);
  EXPECT_EQ(signature.name, "Name.One");
  EXPECT_EQ(signature.target, Target::kAny);
  EXPECT_EQ(PatternOf(signature).offset, kAnywhere);
}

TEST(DbLineTest, WantsANameAndAPattern) {
  for (const char* line : {"", "Name", "=aabb", "Name=", "Name=aa"}) {
    EXPECT_TRUE(std::holds_alternative<MalformedLine>(ParseDbLine(line)))
        << line;
  }
}

}  // namespace
}  // namespace gatehouse
