#include "base/display_text.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {
namespace {

struct DisplayCase {
  std::string_view what;
  std::string_view bytes;
  std::string_view shown;
};

constexpr DisplayCase kDisplayCases[] = {
    {"nothing", "", ""},
    {"plain text", "/tmp/a b.txt", "/tmp/a b.txt"},
    {"quotes", "'\"`$", "'\"`$"},
    {"umlaut", "\xc3\xa4", "\xc3\xa4"},
    {"Chinese", "\xe6\x96\x87", "\xe6\x96\x87"},
    {"emoji", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    {"last code point", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
    {"line feed", "a\nb", R"(a\nb)"},
    {"tab and return", "\t\r", R"(\t\r)"},
    {"backslash", "\\", R"(\\)"},
    {"a text that looks escaped", "\\x41", R"(\\x41)"},
    {"NUL", std::string_view("\0", 1), R"(\x00)"},
    {"escape sequence", "\x1b[31m", R"(\x1b[31m)"},
    {"DEL", "\x7f", R"(\x7f)"},
    {"C1: one-character CSI", "\xc2\x9b", R"(\xc2\x9b)"},
    {"C1: first and last", "\xc2\x80\xc2\x9f", R"(\xc2\x80\xc2\x9f)"},
    {"no-break space is not C1", "\xc2\xa0", "\xc2\xa0"},
    {"right-to-left override", "\xe2\x80\xae", R"(\xe2\x80\xae)"},
    {"isolate", "\xe2\x81\xa6", R"(\xe2\x81\xa6)"},
    {"Arabic letter mark", "\xd8\x9c", R"(\xd8\x9c)"},
    {"zero width space", "\xe2\x80\x8b", R"(\xe2\x80\x8b)"},
    {"line separator", "\xe2\x80\xa8", R"(\xe2\x80\xa8)"},
    {"byte order mark", "\xef\xbb\xbf", R"(\xef\xbb\xbf)"},
    {"lone continuation", "a\x80z", R"(a\x80z)"},
    {"cut short at the end", "a\xe6\x96", R"(a\xe6\x96)"},
    {"cut short inside", "\xe6\x96z", R"(\xe6\x96z)"},
    {"overlong slash", "\xc0\xaf", R"(\xc0\xaf)"},
    {"overlong in three", "\xe0\x80\xaf", R"(\xe0\x80\xaf)"},
    {"surrogate", "\xed\xa0\x80", R"(\xed\xa0\x80)"},
    {"above the last", "\xf4\x90\x80\x80", R"(\xf4\x90\x80\x80)"},
    {"never a first byte", "\xf8\xff", R"(\xf8\xff)"},
    {"bad byte, then good text", "\xff\xc3\xa4", "\\xff\xc3\xa4"},
};

TEST(DisplayTextTest, ShowsWhatIsSafeAndEscapesTheRest) {
  for (const DisplayCase& c : kDisplayCases) {
    EXPECT_EQ(DisplayText(c.bytes), c.shown) << c.what;
  }
}

int HexValue(char digit) {
  return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

// What a reader of the text would do to get the bytes back.
std::string Unescape(std::string_view shown) {
  std::string bytes;
  for (size_t i = 0; i < shown.size(); ++i) {
    if (shown[i] != '\\') {
      bytes += shown[i];
      continue;
    }
    switch (shown.at(++i)) {
      case 'n':
        bytes += '\n';
        break;
      case 't':
        bytes += '\t';
        break;
      case 'r':
        bytes += '\r';
        break;
      case '\\':
        bytes += '\\';
        break;
      default:
        EXPECT_EQ(shown[i], 'x');
        bytes += static_cast<char>(16 * HexValue(shown.at(i + 1)) +
                                   HexValue(shown.at(i + 2)));
        i += 2;
    }
  }
  return bytes;
}

void ExpectSafeAndReversible(const std::string& bytes) {
  const std::string shown = DisplayText(bytes);
  EXPECT_TRUE(IsUtf8(shown)) << shown;
  EXPECT_EQ(Unescape(shown), bytes) << shown;
  EXPECT_EQ(shown.find_first_of(std::string_view("\0\a\b\t\n\r\x1b\x7f", 8)),
            std::string::npos)
      << shown;
}

TEST(DisplayTextTest, EveryPairOfBytesCanBeReadBack) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      ExpectSafeAndReversible(
          {static_cast<char>(first), static_cast<char>(second)});
    }
  }
}

TEST(DisplayTextTest, RandomBytesCanBeReadBack) {
  // Bytes that begin, continue, escape and end things are over-represented.
  constexpr std::string_view kInteresting =
      "\\xnrt0a\x80\x8b\x9c\xa0\xae\xbf\xc2\xd8\xe2\xed\xf0\xf4\xff";
  constexpr unsigned kSeed = 20240229;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 12, '\0');
    for (char& c : bytes) {
      c = random() % 2 == 0 ? kInteresting[random() % kInteresting.size()]
                            : static_cast<char>(random() % 256);
    }
    ExpectSafeAndReversible(bytes);
    if (HasFailure()) FAIL() << "seed " << kSeed << " round " << round;
  }
}

// The grammar of RFC 3629, section 4, as it stands there. Slow and obvious.
bool IsInRange(uint8_t byte, int low, int high) {
  return byte >= low && byte <= high;
}

// The length of the character `b` begins with; 0 if that is none.
size_t LengthByGrammar(std::span<const uint8_t> b) {
  const auto tail = [b](size_t i) {
    return i < b.size() && IsInRange(b[i], 0x80, 0xBF);
  };
  const auto second = [b](int low, int high) {
    return b.size() > 1 && IsInRange(b[1], low, high);
  };
  const uint8_t first = b[0];
  if (first <= 0x7F) return 1;
  if (IsInRange(first, 0xC2, 0xDF)) return tail(1) ? 2 : 0;
  if (first == 0xE0) return second(0xA0, 0xBF) && tail(2) ? 3 : 0;
  if (IsInRange(first, 0xE1, 0xEC)) return tail(1) && tail(2) ? 3 : 0;
  if (first == 0xED) return second(0x80, 0x9F) && tail(2) ? 3 : 0;
  if (IsInRange(first, 0xEE, 0xEF)) return tail(1) && tail(2) ? 3 : 0;
  if (first == 0xF0) return second(0x90, 0xBF) && tail(2) && tail(3) ? 4 : 0;
  if (IsInRange(first, 0xF1, 0xF3)) {
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  if (first == 0xF4) return second(0x80, 0x8F) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

bool IsUtf8ByGrammar(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const size_t length = LengthByGrammar(bytes);
    if (length == 0) return false;
    bytes = bytes.subspan(length);
  }
  return true;
}

void ExpectGrammarAgrees(const std::vector<uint8_t>& bytes) {
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_EQ(IsUtf8(text), IsUtf8ByGrammar(bytes)) << DisplayText(text);
}

TEST(IsUtf8Test, AgreesWithTheGrammarOfRfc3629) {
  // The edges of every range in the grammar, in every position.
  const std::vector<uint8_t> edges = {
      0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
      0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
  for (int first = 0x80; first < 256; ++first) {
    const auto a = static_cast<uint8_t>(first);
    ExpectGrammarAgrees({a});
    for (const uint8_t b : edges) {
      ExpectGrammarAgrees({a, b});
      for (const uint8_t c : edges) {
        ExpectGrammarAgrees({a, b, c});
        for (const uint8_t d : edges) ExpectGrammarAgrees({a, b, c, d});
      }
    }
    if (HasFailure()) return;  // One lead byte tells enough.
  }
}

TEST(IsUtf8Test, LooksAtTheWholeText) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8(std::string_view("a\0b", 3)));
  EXPECT_TRUE(IsUtf8("gr\xc3\xbc\xc3\x9f"));
  EXPECT_FALSE(IsUtf8("good \xff"));
  EXPECT_FALSE(IsUtf8("\xff good"));
  EXPECT_FALSE(IsUtf8("good \xc3"));
}

}  // namespace
}  // namespace gatehouse
