#include "signatures/eicar.h"

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "tests/eicar_text.h"

namespace gatehouse {
namespace {

bool IsEicar(const std::string& file) { return IsEicarTestFile(AsBytes(file)); }

TEST(EicarTest, AcceptsTheBareTestString) {
  ASSERT_EQ(EicarText().size(), kEicarBytes);
  EXPECT_TRUE(IsEicar(EicarText()));
}

TEST(EicarTest, AcceptsEachAllowedByteBehindIt) {
  for (const char allowed : {' ', '\t', '\n', '\r', '\x1a'}) {
    EXPECT_TRUE(IsEicar(EicarText() + allowed)) << int{allowed};
  }
}

TEST(EicarTest, RejectsEveryOtherByteBehindIt) {
  const std::string allowed = " \t\n\r\x1a";
  for (int byte = 0; byte < 256; ++byte) {
    const char last = static_cast<char>(byte);
    EXPECT_EQ(IsEicar(EicarText() + last),
              allowed.find(last) != std::string::npos)
        << byte;
  }
}

TEST(EicarTest, AcceptsExactly128BytesAndNotOneMore) {
  const std::string padding(128 - kEicarBytes, ' ');
  EXPECT_TRUE(IsEicar(EicarText() + padding));
  EXPECT_FALSE(IsEicar(EicarText() + padding + " "));
}

TEST(EicarTest, RejectsAnythingInFrontOfIt) {
  EXPECT_FALSE(IsEicar(" " + EicarText()));
  EXPECT_FALSE(IsEicar("\n" + EicarText()));
}

TEST(EicarTest, RejectsAnythingShorter) {
  EXPECT_FALSE(IsEicar(""));
  EXPECT_FALSE(IsEicar(EicarText().substr(0, kEicarBytes - 1)));
  EXPECT_FALSE(IsEicar(EicarText().substr(1)));
}

TEST(EicarTest, RejectsEverySingleFlippedBit) {
  for (size_t bit = 0; bit < 8 * kEicarBytes; ++bit) {
    std::string text = EicarText();
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(IsEicar(text)) << bit;
  }
}

}  // namespace
}  // namespace gatehouse
