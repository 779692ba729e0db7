#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse {
namespace {

TEST(BytesTest, AViewShowsTheSameBytesWithoutACopy) {
  const std::string text("a\0\xff", 3);
  const ByteView bytes = AsBytes(text);
  ASSERT_EQ(bytes.size(), 3U);
  EXPECT_EQ(bytes[0], 'a');
  EXPECT_EQ(bytes[1], 0U);
  EXPECT_EQ(bytes[2], 0xFFU);
  EXPECT_EQ(static_cast<const void*>(bytes.data()), text.data());
}

TEST(BytesTest, TextComesBackAsItWas) {
  const std::string_view text("x\0y\x80", 4);
  EXPECT_EQ(AsText(AsBytes(text)), text);
  EXPECT_EQ(AsText(AsBytes(text)).data(), text.data());
}

TEST(BytesTest, EmptyStaysEmpty) {
  EXPECT_TRUE(AsBytes({}).empty());
  EXPECT_TRUE(AsText({}).empty());
}

}  // namespace
}  // namespace gatehouse
