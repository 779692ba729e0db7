#include "base/base64.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

// RFC 4648, section 10.
TEST(Base64Test, WritesTheVectorsOfTheRfc) {
  EXPECT_EQ(Base64(""), "");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("fo"), "Zm8=");
  EXPECT_EQ(Base64("foo"), "Zm9v");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
}

TEST(Base64Test, ReadsBackEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    EXPECT_EQ(BytesOfBase64(Base64(bytes)), bytes);
  }
}

TEST(Base64Test, RefusesWhatItWouldNotWrite) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Z", "Zg==Zg==", "=",
                           "Zm 9", "Zm9v\n", "Zm-v"}) {
    EXPECT_EQ(BytesOfBase64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace gatehouse
