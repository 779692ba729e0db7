#include "engine/format/text_seams.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <random>
#include <string>

namespace gatehouse {
namespace {

constexpr size_t kReachBytes = 8;

std::string SeamsOf(const std::string& text, size_t block_bytes) {
  TextSeams seams(kReachBytes);
  std::vector<uint8_t> found;
  for (ByteView rest = AsBytes(text); !rest.empty();) {
    const size_t count = std::min(rest.size(), block_bytes);
    seams.Feed(rest.first(count), found);
    rest = rest.subspan(count);
  }
  return std::string(AsText(found));
}

bool IsDropped(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (std::iscntrl(byte) != 0 && byte != 0x7f);
}

// Word by word, slowly.
std::string Oracle(const std::string& text) {
  std::string seams;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() &&
           std::isspace(static_cast<unsigned char>(text[end])) == 0) {
      ++end;
    }
    std::string front;
    std::string joined;
    bool has_dropped = false;
    for (size_t i = begin; i < end; ++i) {
      if (IsDropped(text[i])) {
        has_dropped = has_dropped || !front.empty();
      } else if (has_dropped) {
        joined += text[i];
      } else {
        front += text[i];
      }
    }
    if (!joined.empty()) {
      seams += front.substr(front.size() - std::min(front.size(), kReachBytes));
      seams += joined;
      if (end < text.size()) seams += '\0';
    }
    begin = end + 1;
  }
  return seams;
}

TEST(TextSeamsTest, HasTheWordsThatAreJoinedFromPieces) {
  EXPECT_EQ(SeamsOf("plain Words\n only", 64), "");
  EXPECT_EQ(SeamsOf("Gr\xc3\xbc\xc3\x9f"
                    "e an alle",
                    64),
            std::string("Gre\0", 4));
  // At its ends a word is joined with nothing.
  EXPECT_EQ(SeamsOf("\xe2\x80\x9cquoted\xe2\x80\x9d \xe2\x80\x94 b", 64), "");
}

TEST(TextSeamsTest, AgreesWithTheSlowWayWhereverBlocksAreCut) {
  std::mt19937 random(11);
  const std::string kinds = "aB  \n\x7f-z\xc3\x07";
  for (int round = 0; round < 300; ++round) {
    std::string text;
    while (text.size() < 400) {
      text += std::string(random() % 4 == 0 ? random() % 40 : random() % 3,
                          kinds.at(random() % kinds.size()));
    }
    for (const size_t block_bytes : std::initializer_list<size_t>{1, 17, 500}) {
      ASSERT_EQ(SeamsOf(text, block_bytes), Oracle(text)) << block_bytes;
    }
  }
}

}  // namespace
}  // namespace gatehouse
