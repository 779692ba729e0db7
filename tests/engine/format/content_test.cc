#include "engine/format/content.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/engine/file_of_bytes.h"

namespace gatehouse {
namespace {

std::string Pattern(size_t bytes) {
  std::string pattern(bytes, '\0');
  uint32_t state = 1;
  for (char& c : pattern) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return pattern;
}

std::string TextAt(Content& content, uint64_t offset, size_t length) {
  return std::string(AsText(content.At(offset, length)));
}

TEST(ContentTest, ShowsMemory) {
  const std::string bytes = Pattern(1000);
  Content content{AsBytes(bytes)};
  EXPECT_EQ(content.size(), 1000U);
  EXPECT_EQ(TextAt(content, 10, 20), bytes.substr(10, 20));
  EXPECT_EQ(TextAt(content, 990, 20), bytes.substr(990));
  EXPECT_EQ(TextAt(content, 1000, 1), "");
  EXPECT_EQ(TextAt(content, UINT64_MAX, 1), "");
}

TEST(ContentTest, ShowsWhatTheFileHasWhereverAsked) {
  const std::string bytes = Pattern(300'001);
  const UniqueFd file = FileOf(bytes);
  std::vector<uint8_t> window(kContentWindowBytes);
  Content content(file.UnsafeFd(), bytes.size(), window);
  uint64_t at = 1;
  for (int i = 0; i < 2000; ++i) {
    at = at * 48271 % 2147483647;
    const uint64_t offset = at % 300'100;
    const size_t length = at / 7 % (kContentWindowMax + 1);
    const std::string expected =
        offset < bytes.size() ? bytes.substr(offset, length) : "";
    ASSERT_EQ(TextAt(content, offset, length), expected);
  }
  EXPECT_EQ(content.error_number(), 0);
}

TEST(ContentTest, EndsWhereAFileThatShrankEnds) {
  const std::string bytes = Pattern(10'000);
  const UniqueFd file = FileOf(bytes);
  std::vector<uint8_t> window(kContentWindowBytes);
  Content content(file.UnsafeFd(), 100'000, window);
  EXPECT_EQ(TextAt(content, 9'990, 100), bytes.substr(9'990));
  EXPECT_EQ(TextAt(content, 50'000, 100), "");
  EXPECT_EQ(content.error_number(), 0);
}

TEST(ContentTest, RemembersTheFirstErrorOfARead) {
  const UniqueFd directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<uint8_t> window(kContentWindowBytes);
  Content content(directory.UnsafeFd(), 4096, window);
  EXPECT_EQ(TextAt(content, 0, 10), "");
  EXPECT_EQ(content.error_number(), EISDIR);
}

TEST(ContentTest, DoesNotReadAgainWhatTheWindowHolds) {
  const UniqueFd file = FileOf(Pattern(4096));
  std::vector<uint8_t> window(kContentWindowBytes);
  Content content(file.UnsafeFd(), 4096, window);
  const std::string before = TextAt(content, 0, 4096);
  ASSERT_EQ(::ftruncate(file.UnsafeFd(), 0), 0);
  EXPECT_EQ(TextAt(content, 0, 4096), before);
}

}  // namespace
}  // namespace gatehouse
