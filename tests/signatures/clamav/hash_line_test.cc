#include "signatures/clamav/hash_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

using testing::HasSubstr;

const std::string kMd5 = "000102030405060708090a0b0c0d0e0F";
const std::string kSha1 = kMd5 + "10111213";
const std::string kSha256 = kMd5 + kMd5;

struct LoadedCase {
  std::string line;
  DigestAlgorithm algorithm;
  uint64_t size;
};

struct RefusedCase {
  std::string line;
  const char* reason;
};

class HashLoadedTest : public testing::TestWithParam<LoadedCase> {};
class HashSkippedTest : public testing::TestWithParam<std::string> {};
class HashMalformedTest : public testing::TestWithParam<RefusedCase> {};

TEST_P(HashLoadedTest, LoadsTheLine) {
  const auto parsed = ParseHashLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<HashSignature>(parsed));
  const auto& signature = std::get<HashSignature>(parsed);
  EXPECT_EQ(signature.name, "Name.One");
  EXPECT_EQ(signature.algorithm, GetParam().algorithm);
  EXPECT_EQ(signature.size, GetParam().size);
  EXPECT_EQ(signature.digest[1], 0x01);
  EXPECT_EQ(signature.digest[15], 0x0f);
}

TEST_P(HashSkippedTest, SkipsTheLine) {
  EXPECT_TRUE(std::holds_alternative<SkippedLine>(ParseHashLine(GetParam())));
}

TEST_P(HashMalformedTest, CallsTheLineMalformedWithAReason) {
  const auto parsed = ParseHashLine(GetParam().line);
  ASSERT_TRUE(std::holds_alternative<MalformedLine>(parsed));
  EXPECT_THAT(std::get<MalformedLine>(parsed).reason,
              HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Table, HashLoadedTest,
    testing::Values(
        LoadedCase{kMd5 + ":1:Name.One", DigestAlgorithm::kMd5, 1},
        LoadedCase{kSha1 + ":68:Name.One", DigestAlgorithm::kSha1, 68},
        LoadedCase{kSha256 + ":4294967294:Name.One", DigestAlgorithm::kSha256,
                   4294967294},
        LoadedCase{kMd5 + ":*:Name.One:73", DigestAlgorithm::kMd5, kAnySize},
        LoadedCase{kMd5 + ":*:Name.One:73:255", DigestAlgorithm::kMd5,
                   kAnySize},
        LoadedCase{kMd5 + ":5:Name.One:0:213", DigestAlgorithm::kMd5, 5}));

INSTANTIATE_TEST_SUITE_P(Table, HashSkippedTest,
                         testing::Values(kMd5 + ":5:N:214", kMd5 + ":5:N:1:212",
                                         kMd5 + ":*:N:230"));

INSTANTIATE_TEST_SUITE_P(
    Table, HashMalformedTest,
    testing::Values(RefusedCase{"", "expected 3 to 5 fields"},
                    RefusedCase{kMd5 + ":5", "expected 3 to 5 fields"},
                    RefusedCase{kMd5 + ":5:N:1:2:3", "expected 3 to 5 fields"},
                    RefusedCase{":5:N", "hash has no known length"},
                    RefusedCase{kMd5 + "00:5:N", "hash has no known length"},
                    RefusedCase{"x" + kMd5.substr(1) + ":5:N",
                                "hash is not hexadecimal"},
                    RefusedCase{kMd5 + "::N", "size is not a number"},
                    RefusedCase{kMd5 + ":-5:N", "size is not a number"},
                    RefusedCase{kMd5 + ":0:N", "size outside"},
                    RefusedCase{kMd5 + ":4294967295:N", "size outside"},
                    RefusedCase{kMd5 + ":*:N", "minimum level of 73"},
                    RefusedCase{kMd5 + ":*:N:72", "minimum level of 73"},
                    RefusedCase{kMd5 + ":5:", "no name"},
                    RefusedCase{kMd5 + ":5:N:x", "functionality level"}));

}  // namespace
}  // namespace gatehouse
