#include "engine/format/normalised_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <string>

namespace gatehouse {
namespace {

constexpr size_t kPlenty = size_t{1} << 20;

std::string Normalised(const std::string& text) {
  std::vector<uint8_t> output;
  EXPECT_FALSE(NormaliseText(AsBytes(text), kPlenty, output));
  return std::string(AsText(output));
}

// What the normaliser does, slowly.
std::string Oracle(const std::string& text) {
  std::string output;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) continue;
    if (std::isspace(byte) != 0) {
      if (output.empty() || output.back() != ' ') output += ' ';
    } else if (std::iscntrl(byte) == 0 || byte == 0x7f) {
      output += static_cast<char>(std::tolower(byte));
    }
  }
  return output;
}

// Long runs and short ones of all kinds of bytes.
std::string RandomText(std::mt19937& random, size_t bytes) {
  const std::string kinds =
      std::string("aZ5 \n\t\r\x01\x7f\x80\xff", 11) + '\0';
  std::string text;
  while (text.size() < bytes) {
    const size_t run = random() % 3 == 0 ? random() % 40 : random() % 3;
    text += std::string(run, kinds.at(random() % kinds.size()));
  }
  text.resize(bytes);
  return text;
}

TEST(NormalisedTextTest, MapsEveryByteAsObserved) {
  for (unsigned c = 0; c < 256; ++c) {
    const bool is_space = c == 0x20 || (c >= 0x09 && c <= 0x0d);
    const bool is_dropped = (c < 0x20 && !is_space) || c >= 0x80;
    const bool is_upper = c >= 'A' && c <= 'Z';
    std::string middle(1, static_cast<char>(is_upper ? c + 0x20 : c));
    if (is_space) middle = " ";
    if (is_dropped) middle = "";
    EXPECT_EQ(Normalised(std::string("aa") + static_cast<char>(c) + "bb"),
              "aa" + middle + "bb")
        << c;
  }
}

struct TextCase {
  std::string text;
  std::string normalised;
};

// Each as the peer answered.
const TextCase kObserved[] = {
    {"", ""},
    {" ", " "},
    {"a", "a"},
    {std::string("\0", 1), ""},
    {"\n\n\n", " "},
    {"a\n", "a "},
    {"  Hello   World\r\n\r\n  x\t\ty \n z", " hello world x y z"},
    {"z\x0b\x0cq", "z q"},
    {std::string("r\0\0s", 4), "rs"},
    {std::string("a \0 b", 5), "a b"},
    {"a \x80 b", "a b"},
    {std::string("a\0 b", 4), "a b"},
    {std::string("\0 a", 3), " a"},
    {"a \x7f b", "a \x7f b"},
    {std::string("\xff\xfe"
                 "a\0b\0",
                 6),
     "ab"},
    {"\xef\xbb\xbf"
     "abc",
     "abc"},
};

class ObservedTextTest : public testing::TestWithParam<TextCase> {};

TEST_P(ObservedTextTest, BecomesWhatWasObserved) {
  EXPECT_EQ(Normalised(GetParam().text), GetParam().normalised);
}

INSTANTIATE_TEST_SUITE_P(Table, ObservedTextTest, testing::ValuesIn(kObserved));

TEST(NormalisedTextTest, AgreesWithASlowOneAtEveryLength) {
  std::mt19937 random(7);
  for (size_t bytes = 0; bytes < 400; ++bytes) {
    const std::string text = RandomText(random, bytes);
    EXPECT_EQ(Normalised(text), Oracle(text)) << bytes;
  }
}

TEST(NormalisedTextTest, DoesNotCareWhereBlocksAreCut) {
  std::mt19937 random(8);
  const std::string text = RandomText(random, 50'000);
  std::vector<uint8_t> output;
  TextNormaliser normaliser(kPlenty);
  for (ByteView rest = AsBytes(text); !rest.empty();) {
    const size_t count = std::min<size_t>(rest.size(), random() % 50);
    normaliser.Feed(rest.first(count), output);
    rest = rest.subspan(count);
  }
  EXPECT_EQ(AsText(output), Oracle(text));
}

TEST(NormalisedTextTest, IsItsOwnNormalisedForm) {
  std::mt19937 random(9);
  const std::string once = Normalised(RandomText(random, 10'000));
  EXPECT_EQ(Normalised(once), once);
}

TEST(NormalisedTextTest, AppendsNothingBeyondTheLimitAndSaysSo) {
  std::vector<uint8_t> output = {'x'};
  TextNormaliser normaliser(4);
  normaliser.Feed(AsBytes("ab\x80  c"), output);
  EXPECT_EQ(AsText(output), "xab c");
  EXPECT_FALSE(normaliser.limit_reached());
  normaliser.Feed(AsBytes("\x80\x81"), output);
  EXPECT_FALSE(normaliser.limit_reached());
  normaliser.Feed(AsBytes("d"), output);
  EXPECT_EQ(AsText(output), "xab c");
  EXPECT_TRUE(normaliser.limit_reached());
}

TEST(NormalisedTextTest, KeepsTheMemoryOfAnOutputWithRoom) {
  std::vector<uint8_t> output;
  output.reserve(100'000);
  const uint8_t* const memory = output.data();
  (void)NormaliseText(AsBytes(std::string(100'000, 'A')), kPlenty, output);
  EXPECT_EQ(output.data(), memory);
  EXPECT_EQ(output.size(), 100'000U);
}

TEST(NormalisedTextTest, FindsADroppedByteAnywhere) {
  for (const char c : {'\0', '\x08', '\x0e', '\x1f', '\x80', '\xff'}) {
    for (size_t at = 0; at < 40; ++at) {
      std::string text(40, 'x');
      text.at(at) = c;
      EXPECT_TRUE(HasDroppedByte(AsBytes(text))) << at;
    }
  }
}

TEST(NormalisedTextTest, FindsNoDroppedByteInPlainText) {
  std::string kept = "\t\n\x0b\x0c\r";
  for (char c = ' '; c < '\x7f'; ++c) kept += c;
  kept += '\x7f';
  EXPECT_FALSE(HasDroppedByte(AsBytes(kept)));
  EXPECT_FALSE(HasDroppedByte({}));
}

}  // namespace
}  // namespace gatehouse
