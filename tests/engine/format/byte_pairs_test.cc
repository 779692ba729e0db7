#include "engine/format/byte_pairs.h"

#include <gtest/gtest.h>

#include <array>
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

TEST(BytePairsTest, TellsWhichPairsATextHas) {
  std::mt19937 random(8);
  const std::string_view alphabet("<-\nahAHvVxX>\n\0\x80", 15);
  struct One {
    char first;
    std::string_view seconds;
  };
  const std::array<One, 4> all = {
      {{'<', "ah"}, {'-', "v"}, {'\n', "x"}, {'<', {"\0", 1}}}};
  const BytePairs pairs = {{all[0].first, all[0].seconds},
                           {all[1].first, all[1].seconds},
                           {all[2].first, all[2].seconds},
                           {all[3].first, all[3].seconds}};
  size_t found = 0;
  size_t false_ones = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 150, '.');
    for (char& c : text) {
      if (random() % 4 == 0) c = alphabet[random() % alphabet.size()];
    }
    const unsigned bits = PairsIn(pairs, text);
    ASSERT_EQ(bits, PairsInAnywhere(pairs, text)) << round;
    for (size_t i = 0; i < all.size(); ++i) {
      const bool has = FindSlowly(all.at(i).first, all.at(i).seconds, text,
                                  0) != std::string_view::npos;
      const bool may_have = (bits >> i & 1) != 0;
      ASSERT_TRUE(may_have || !has) << round;
      found += has ? 1U : 0U;
      false_ones += may_have && !has ? 1U : 0U;
    }
    ASSERT_EQ(bits >> all.size(), 0U);
  }
  EXPECT_GT(found, 1000U);
  EXPECT_LT(false_ones, found / 10);
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
