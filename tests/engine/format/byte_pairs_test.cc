#include "engine/format/byte_pairs.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gatehouse {
namespace {

char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

size_t FindSlowly(char first, std::string_view seconds, std::string_view text,
                  size_t from) {
  for (; from + 1 < text.size(); ++from) {
    if (text[from] == first &&
        seconds.find(LowerCase(text[from + 1])) != std::string_view::npos) {
      return from;
    }
  }
  return std::string_view::npos;
}

TEST(BytePairsTest, HasExactlyItsSecondBytes) {
  const std::string_view seconds("az!\0\xff@`{", 8);
  const BytePair pair('<', seconds);
  for (int c = -128; c < 128; ++c) {
    const char byte = static_cast<char>(c);
    EXPECT_EQ(pair.HasSecond(byte),
              seconds.find(LowerCase(byte)) != std::string_view::npos)
        << c;
  }
}

TEST(BytePairsTest, FindsWhatALoopFinds) {
  std::mt19937 random(7);
  const std::string_view alphabet("<<ahAHxX>\n\0\x80", 12);
  const std::string_view seconds("ah\n", 3);
  const BytePair pair('<', seconds);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 150, 'x');
    for (char& c : text) {
      if (random() % 8 == 0) c = alphabet[random() % alphabet.size()];
    }
    const size_t from = random() % 10;
    const size_t expected = FindSlowly('<', seconds, text, from);
    ASSERT_EQ(FindPair(pair, text, from), expected) << round;
    ASSERT_EQ(FindPairAnywhere(pair, text, from), expected) << round;
  }
}

// The last byte of a text has nothing behind it.
TEST(BytePairsTest, FindsAPairAtEveryPlace) {
  const BytePair pair('<', "a");
  for (size_t at = 0; at < 130; ++at) {
    std::string text(130, '.');
    text[at] = '<';
    EXPECT_EQ(FindPair(pair, text, 0), std::string_view::npos);
    if (at + 1 == text.size()) continue;
    text[at + 1] = 'A';
    EXPECT_EQ(FindPair(pair, text, 0), at);
    EXPECT_EQ(FindPair(pair, text, at), at);
    EXPECT_EQ(FindPair(pair, text, at + 1), std::string_view::npos);
  }
}

}  // namespace
}  // namespace gatehouse
