#include "signatures/ndb_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct LoadedCase {
  const char* line;
  uint64_t offset;
  std::vector<uint8_t> literal;
};

struct RefusedCase {
  const char* line;
  const char* reason;
};

class NdbLoadedTest : public testing::TestWithParam<LoadedCase> {};
class NdbSkippedTest : public testing::TestWithParam<RefusedCase> {};
class NdbMalformedTest : public testing::TestWithParam<RefusedCase> {};

TEST_P(NdbLoadedTest, LoadsTheLine) {
  const auto parsed = ParseNdbLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<BodySignature>(parsed));
  const auto& signature = std::get<BodySignature>(parsed);
  EXPECT_EQ(signature.name, "Name.One");
  EXPECT_EQ(signature.offset, GetParam().offset);
  EXPECT_EQ(signature.literal, GetParam().literal);
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

const LoadedCase kLoaded[] = {
    {"Name.One:0:*:aabb", kAnyOffset, {0xaa, 0xbb}},
    {"Name.One:*:*:AaBb", kAnyOffset, {0xaa, 0xbb}},
    {"Name.One:0:0:0000", 0, {0, 0}},
    {"Name.One:00:007:00ff10", 7, {0, 0xff, 0x10}},
    {"Name.One:0:4611686018427387904:aabb", kOffsetMax, {0xaa, 0xbb}},
    {"Name.One:0:*:aabb:213", kAnyOffset, {0xaa, 0xbb}},
    {"Name.One:0:*:aabb:0:213", kAnyOffset, {0xaa, 0xbb}},
    {"Name.One:0:*:aabb:51:255", kAnyOffset, {0xaa, 0xbb}},
};

const RefusedCase kSkipped[] = {
    {"N:0:*:aabb:214", "functionality level"},
    {"N:0:*:aabb:0:212", "functionality level"},
    {"N:0:*:aabb:255:51", "functionality level"},
    {"N:15:*:aabb", "unknown target 15"},
    {"N:18446744073709551615:*:aabb", "unknown target"},
    {"N:1:*:aabb", "not supported yet: target 1"},
    {"N:14:0:aabb", "not supported yet: target 14"},
    {"N:0:*:aa??bb", "not supported yet: wildcards"},
    {"N:0:*:aa*bb", "not supported yet: wildcards"},
    {"N:0:*:aa{2-4}bb", "not supported yet: wildcards"},
    {"N:0:*:aabb(cc|dd)", "not supported yet: wildcards"},
    {"N:0:*:(B)aabb!(L)", "not supported yet: wildcards"},
    {"N:0:*:aabb[1-2]cc", "not supported yet: wildcards"},
    {"N:0:10,20:aabb", "not supported yet: offset with a shift"},
    {"N:0:EOF-10:aabb", "not supported yet: offset relative to the end"},
    {"N:0:EOF-10,3:aabb", "not supported yet: offset relative to the end"},
    {"N:1:EP+0:aabb", "not supported yet"},
    {"N:6:EP-10,4:aabb", "not supported yet"},
    {"N:9:S0+12:aabb", "not supported yet"},
    {"N:1:SL+3:aabb", "not supported yet"},
    {"N:1:SE2:aabb", "not supported yet"},
    {"N:1:VI:aabb", "not supported yet"},
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
    {"N:0:*:aa", "shorter than two bytes"},
    {"N:0:*:aaxx", "not a hexadecimal digit or operator"},
    {"N:0:*:aa bb", "not a hexadecimal digit or operator"},
    {"N:0:*:aabb:x", "functionality level is not a number"},
    {"N:0:*:aabb:", "functionality level is not a number"},
    {"N:0:*:aabb:1:", "functionality level is not a number"},
    // A mistake counts even where the line would be skipped.
    {"N:1:*:aab", "odd number"},
    {"N:0:EOF-1:zz", "not a hexadecimal digit or operator"},
    {"N:15:*:aabb:x", "functionality level is not a number"},
};

INSTANTIATE_TEST_SUITE_P(Table, NdbLoadedTest, testing::ValuesIn(kLoaded));
INSTANTIATE_TEST_SUITE_P(Table, NdbSkippedTest, testing::ValuesIn(kSkipped));
INSTANTIATE_TEST_SUITE_P(Table, NdbMalformedTest,
                         testing::ValuesIn(kMalformed));

TEST(NdbLineTest, LoadsTheLongestLiteralAndSkipsOneByteMore) {
  const std::string longest(2 * kLiteralBytesMax, '7');
  const auto loaded = ParseNdbLine("N:0:*:" + longest);
  ASSERT_TRUE(std::holds_alternative<BodySignature>(loaded));
  EXPECT_EQ(std::get<BodySignature>(loaded).literal.size(), kLiteralBytesMax);
  const auto skipped = ParseNdbLine("N:0:*:" + longest + "77");
  EXPECT_TRUE(std::holds_alternative<SkippedLine>(skipped));
}

TEST(NdbLineTest, KeepsTheBytesOfAName) {
  const auto parsed = ParseNdbLine("\x1b[1m\xff 'x':0:*:aabb");
  ASSERT_TRUE(std::holds_alternative<BodySignature>(parsed));
  EXPECT_EQ(std::get<BodySignature>(parsed).name, "\x1b[1m\xff 'x'");
}

TEST(NdbLineTest, ParsesEveryHexDigit) {
  const auto parsed = ParseNdbLine("N:0:*:0123456789abcdefABCDEF");
  ASSERT_TRUE(std::holds_alternative<BodySignature>(parsed));
  EXPECT_THAT(std::get<BodySignature>(parsed).literal,
              ElementsAre(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xab,
                          0xcd, 0xef));
}

}  // namespace
}  // namespace gatehouse
