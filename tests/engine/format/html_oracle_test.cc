// The normaliser of HTML against a slow one, on files made of what matters to
// both.
#include <gtest/gtest.h>

#include <array>
#include <iostream>
#include <random>
#include <string>

#include "base/bytes.h"
#include "engine/format/normalised_html.h"
#include "tests/engine/format/slow_html.h"

namespace gatehouse {
namespace {

using std::string_literals::operator""s;

const std::array kPieces = {
    "<a href=\""s, "<img src='"s, "<A HREF="s, "<script>"s, "</script>"s,
    "<style>"s, "</STYLE >"s, "<!--"s, "-->"s, "<!"s, "&amp;"s, "&lt"s,
    "&quot;"s, "&nbsp;"s, "&euro;"s, "&eacute;"s, "&foo;"s, "&#65;"s, "&#x41"s,
    "&#300;"s, "&#65601;"s, "&"s, "#"s, ";"s, "<"s, ">"s, "/"s, "="s, "\""s,
    "'"s, "!"s, " "s, "  "s, "\n"s, "\r"s, "\r\n"s, "\t"s, "\x0b"s, "\x01"s,
    "\x7f"s, "\0"s, "\xe3\x80\x82"s, "\xef\xbc\x8e"s,
    "\xa1"
    "C"s,
    "\xa1"s, "\xc3\xa9"s, "\xe4"s, "A"s, "CDO"s, "Word"s, "two  Words"s, "<b>"s,
    "</B>"s, "<p class=\"Intro Foo\" id=Bar>"s, "<td width='5'>"s, "x=Y "s,
    "Http://Example.org/Path?q=1&amp;b"s, "some longer Text without anything"s,
    "<a class=x href=\"Y\" title=\"Z\">"s, "function F(a) { return 'x' }"s,
    // Longer than what is taken at once.
    "\n                    Far to the right"s,
    "<meta  Name = 'Some Words'  content=\"Y\" >"s,
    "<img alt='a \"b' src=\"A B>C\" class=d"s,
    "if (A == B) x = 'twenty-five bytes or more';\n"s, "=\"\"a"s};

std::string RandomHtml(std::mt19937& random) {
  const size_t bytes = random() % 8 == 0 ? 2000 : random() % 120;
  std::string html;
  while (html.size() < bytes) {
    html += kPieces.at(random() % kPieces.size());
    if (random() % 16 == 0) html += static_cast<char>(random());
  }
  return html;
}

SlowHtmlViews Fast(const std::string& html) {
  std::vector<uint8_t> no_comments;
  std::vector<uint8_t> no_tags;
  HtmlNormaliser normaliser(no_comments, no_tags);
  normaliser.Feed(AsBytes(html));
  normaliser.Finish();
  return {std::string(AsText(no_comments)), std::string(AsText(no_tags))};
}

TEST(HtmlOracleTest, TheFastAndTheSlowNormaliserAgree) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  for (int i = 0; i < 4000; ++i) {
    const std::string html = RandomHtml(random);
    ASSERT_LE(html.size(), kSlowHtmlBytesMax);
    ASSERT_EQ(Fast(html), SlowHtml(html)) << HexText(AsBytes(html));
  }
}

// Or the test above would say little.
TEST(HtmlOracleTest, TheSlowNormaliserSeesOneChangedByte) {
  EXPECT_EQ(Fast("<A b='C'> d"), SlowHtml("<A b='C'> d"));
  EXPECT_NE(Fast("<A b='C'> d"), SlowHtml("<A b='C'> e"));
  EXPECT_NE(Fast("<A b='C'> d"), SlowHtml("<A b='D'> d"));
}

}  // namespace

// For messages.
void PrintTo(const SlowHtmlViews& views, std::ostream* out) {
  *out << views.no_comments << "\n" << views.no_tags;
}

}  // namespace gatehouse
