// Each way of marking HTML that this processor can go, against what the bytes
// say one by one.
#include "engine/format/html_marks.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <string>
#include <vector>

namespace gatehouse {
namespace {

struct Marked {
  std::string words;
  std::vector<size_t> blanks;
  std::vector<size_t> text_ends;
  std::vector<size_t> name_ends;
  std::vector<size_t> value_ends;
  bool operator==(const Marked&) const = default;
};

bool IsOneOf(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

Marked MarkedNaively(const std::string& piece) {
  Marked marked;
  for (size_t i = 0; i < piece.size(); ++i) {
    const char c = piece[i];
    const bool is_blank = IsOneOf(c, " \t\n\v\f");
    const bool is_upper = c >= 'A' && c <= 'Z';
    const char lower = is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    marked.words += is_blank ? ' ' : lower;
    if (is_blank) marked.blanks.push_back(i);
    // From 0x80 on, a char is negative.
    const bool is_second = is_blank && i > 0 && marked.words[i - 1] == ' ';
    const bool is_control = c < ' ' && !is_blank;
    if (is_second || is_control || IsOneOf(c, "<&")) {
      marked.text_ends.push_back(i);
    }
    const bool closes = c < 0 || is_blank || IsOneOf(c, "\r>");
    if (closes || c == '=') marked.name_ends.push_back(i);
    if (closes || IsOneOf(c, "&\"'")) marked.value_ends.push_back(i);
  }
  marked.text_ends.push_back(piece.size());
  marked.name_ends.push_back(piece.size());
  marked.value_ends.push_back(piece.size());
  return marked;
}

std::vector<size_t> PlacesOf(const HtmlMarkBits& bits, size_t end) {
  std::vector<size_t> places;
  for (size_t at = 0; at <= end; ++at) {
    at = bits.Next(at);
    places.push_back(at);
  }
  return places;
}

std::vector<size_t> RunsOf(const HtmlMarkBits& bits, size_t end) {
  std::vector<size_t> places;
  for (size_t at = 0; at < end; ++at) {
    const size_t after = bits.NextNot(at);
    for (; at < after; ++at) places.push_back(at);
  }
  return places;
}

Marked MarkedWith(const HtmlMarking& marking, const std::string& piece) {
  HtmlMarks marks(marking);
  // Nothing of another piece remains.
  marks.Mark(AsBytes(std::string(piece.size() + 100, '<')));
  marks.Mark(AsBytes(piece));
  EXPECT_EQ(marks.words()[piece.size()], 0);
  return {std::string(AsText({marks.words(), piece.size()})),
          RunsOf(marks.blanks(), piece.size()),
          PlacesOf(marks.text_ends(), piece.size()),
          PlacesOf(marks.name_ends(), piece.size()),
          PlacesOf(marks.value_ends(), piece.size())};
}

void ExpectAllMark(const std::string& piece) {
  for (const HtmlMarking& marking : AvailableHtmlMarkings()) {
    ASSERT_EQ(MarkedWith(marking, piece), MarkedNaively(piece))
        << marking.name << " " << HexText(AsBytes(piece));
  }
}

TEST(HtmlMarksTest, MarkEveryByte) {
  std::string piece;
  for (int c = 1; c < 256; ++c) piece += static_cast<char>(c);
  ExpectAllMark(piece);
}

TEST(HtmlMarksTest, MarkPiecesOfAnySize) {
  for (size_t bytes = 0; bytes < 200; ++bytes) {
    ExpectAllMark(std::string(bytes, 'x'));
    ExpectAllMark(std::string(bytes, ' '));
  }
  for (const char c : {'x', ' ', '>'}) {
    ExpectAllMark(std::string(HtmlMarks::kPieceBytesMax - 100, c));
  }
}

TEST(HtmlMarksTest, MarkTheLongestPiece) {
  HtmlMarks marks;
  const std::string piece(HtmlMarks::kPieceBytesMax, ' ');
  marks.Mark(AsBytes(piece));
  EXPECT_EQ(marks.blanks().NextNot(0), piece.size());
  EXPECT_EQ(marks.text_ends().Next(piece.size()), piece.size());
  EXPECT_EQ(marks.words()[piece.size()], 0);
}

TEST(HtmlMarksTest, MarkRandomPieces) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  const std::string usual = "aB <>&=\"'\r\n\t\x7f\x80\xff\x01";
  for (int i = 0; i < 2000; ++i) {
    std::string piece;
    const size_t bytes = random() % 300;
    const size_t others = random() % 8 == 0 ? 2 : 40;
    while (piece.size() < bytes) {
      const bool is_usual = random() % others == 0;
      piece += is_usual ? usual.at(random() % usual.size()) : 'x';
    }
    ExpectAllMark(piece);
  }
}

}  // namespace
}  // namespace gatehouse
