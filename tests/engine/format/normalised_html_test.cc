#include "engine/format/normalised_html.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <random>
#include <string>

#include "engine/format/html_character_names.h"

namespace gatehouse {
namespace {

struct Views {
  std::string no_comments;
  std::string no_tags;
  bool operator==(const Views&) const = default;
};

Views NormaliseInBlocks(const std::string& html, size_t block_bytes_max) {
  std::vector<uint8_t> no_comments;
  std::vector<uint8_t> no_tags;
  HtmlNormaliser normaliser(no_comments, no_tags);
  for (ByteView rest = AsBytes(html); !rest.empty();) {
    const size_t count = std::min(rest.size(), block_bytes_max);
    normaliser.Feed(rest.first(count));
    rest = rest.subspan(count);
  }
  normaliser.Finish();
  EXPECT_FALSE(normaliser.limit_reached());
  return {std::string(AsText(no_comments)), std::string(AsText(no_tags))};
}

Views Normalised(const std::string& html) {
  return NormaliseInBlocks(html, html.size());
}

struct HtmlCase {
  std::string html;
  std::string no_comments;
  std::string no_tags;
};

// Each as the peer answered.
const HtmlCase kObserved[] = {
    {"abc", "abc", "abc"},
    {" ABC  Def\tx\r\ny\n\nz  ", "abc def x y z", "abc def x y z "},
    {"a <b> c", "a <b>c", "a c"},
    {"a  <b>  c  </b>  d ", "a <b>c </b>d", "a c d "},
    {"&nbsp;<b>", "\xa0<b>", " "},
    {"x &", "x ", "x "},
    {"x y z&", "x y z", "x y z "},
    {"<B   Class = \"Foo Bar\"   ID='X y' checked value=Plain>t</B >",
     "<b class=\"foo bar\" id=\"x y\" checked value=plain>t</b>", " t "},
    {"<b c=\"a>b\" d>e", "<b c=\"a>b\" d>e", " e"},
    {"<b c=\"a b>c\" d>e", "<b c=\"a b>c\" d>e", " c\" d>e"},
    {"<b c=\"a> b c\" d>e", "<b c=\"a>b c\" d>e", " e"},
    {"<b c=a\"b'c>d", "<b c=a\"b\"c>d", " d"},
    {"<b \"c  d\"=e>f", "<b \"c d\"=e>f", " f"},
    {"<b / >c", "<b />c", " c"},
    {"<b =c=d>e", "<b=c=d>e", " e"},
    {"<b c=\"d\"e=\"f\">g", "<b c=\"d\" e=\"f\">g", " g"},
    {"<b c=\"a\tb\tc\">d", "<b c=\"a\tb c\">d", " d"},
    {"<b c=\"d", "<b c=\"d", " "},
    {"a<", "a<", "a "},
    {"< b >c", "<b>c", " c"},
    {"a<>b", "a<>b", "a b"},
    {"<b\r\nc>", "<b c>", " "},
    {"a<!-- c -->b", "ab", "a b"},
    {"a <!-- x --> b", "a b", "a b"},
    {"a<!-- x > y -->c", "ay -->c", "a y -->c"},
    {"a<![CDATA[ x > y ]]>z", "ay ]]>z", "a y ]]>z"},
    {"a<!x", "a", "a "},
    {"a<?php Echo \"x>y\"; ?>b", "a<?php echo \"x>y\"; ?>b", "a y\"; ?>b"},
    {"a &amp; b &lt;x&gt; &quot;q&quot; &eacute; &euro; &AMP; &foo;z",
     "a & b <x> \"q\" \xe9 &#x20ac; &amp; &foo;z", "a b x q z"},
    {"&#65;&#x41;&#x263a;&#255;&#254;", "aa&#x263a;&#x00ff;\xfe", " "},
    {"x&#65 y&#300z", "xA y,z", "x y z"},
    {"x&#;y&#x;z", std::string("x\x00y\x00z", 5), "x y z"},
    {"x&#65601;y&#99999999999;z", "xAy&#xe7ff;z", "x y z"},
    {"x&amp", "x&", "x "},
    {"x&foo", "x&foo", "x "},
    {"x&#65", "x", "x "},
    {"x&a-b_c:d.e", "x&a-b_c:d.e", "x .e"},
    {"<b c=\"&#34;d&lt e\">f", "<b c=\"\"d&lt e\">f", " f"},
    {"<b&lt;c &lt;d>e", "<b&lt;c &lt;d>e", " e"},
    {"<a href=\"Http://X.y/Z w\">t</a>", "<a href=\"http://x.y/z w\">t</a>",
     " Http://X.y/Z w t "},
    {"<a href=Foo>", "<a href=foo>", " "},
    {"<a href=\"A b c\">t", "<a href=\"a b c\">t", " A  t"},
    {"<a href=\"A>b\">t", "<a href=\"a>b\">t", " A>b t"},
    {"<img alt=x src='Y \"q\".png'>z", "<img alt=x src=\"y \"q\".png\">z",
     " Y \"q\".png z"},
    {"<a href=\"A\" href=\"B\">t", "<a href=\"a\" href=\"b\">t", " A t"},
    {"<area href=\"A\">t", "<area href=\"a\">t", " t"},
    {"<a href=\"&#65;&amp;&#x263a;&#66\">t", "<a href=\"a&&#x263a;B\">t",
     " A&: t"},
    {"<script>Var  X = \"A  b\" + 'c' ;\n// d</script> y",
     "<script>varx=\"ab\"+\"c\";//d</script>y", " y"},
    {"<SCRIPT type=\"x\">a</ script>b</script >c d",
     "<script type=\"x\">a</script>b</script>c d", " >c d"},
    {"<script>a<!-- b &lt; 'c' --> &lt;</script>d",
     "<script>a<!--b&lt;\"c\"--><</script>d", " d"},
    {"<script>a</scriptx>b c</SCRIPT>d e", "<script>a</scriptx>bc</script>d e",
     " d e"},
    {"<style>a { b : 'c' }</style> d", "<style>a{b:\"c\"}</style>d", " d"},
    {"<style>a</script>b c", "<style>a</script>b c", " b c"},
    {"<script>a</style>b c", "<script>a</style>bc", " "},
    {"<script/>a b", "<script/>a b", " a b"},
    {"<script><'a</'b>'c", "<script><'a</'b>\"c", " "},
    {"<script>unclosed Text", "<script>unclosedtext", " "},
    {std::string("a\x00"
                 "b",
                 3),
     "ab", "ab"},
    {"a\x01"
     "b\x7f"
     "c\x0b"
     "d",
     "a\x01"
     "b\x7f"
     "c d",
     "a b\x7f"
     "c d"},
    {std::string("<b\x00"
                 "c>",
                 5),
     "<bc>", " "},
    {"x\x80y", "x\x80y", std::string("x\x00y", 3)},
    {"x\xe4\xf6y", "x\xe4\xf6y", "x\xe4\xe4y"},
    {"x\xe2\x82\xacy", "x\xe2\x82\xacy", "x\xe2\x82\x82y"},
    {"x\xe4\xf6\xfc\xdfy", "x\xe4\xf6\xfc\xdfy",
     std::string("x\xe4\xf6\xf6\x00y", 6)},
    {"x\xe4", "x", "x"},
    {"x \xe4 <b>", "x \xe4 <b>", std::string("x \x00", 3)},
    {"<b \xe4\xf6=\"\xe4\xf6\">x<b c=\"d\">",
     "<b \xe4\xf6=\"\">x<b c=\"\xe4\xf6"
     "d\">",
     " x "},
    {"<b c=\"\xe4 d \xf6 e\">",
     "<b c=\" \xe4"
     "d \xf6 e\">",
     " "},
    {"x\xe3\x80\x82y\xef\xbc\x8ez", "x.y.z", "x.y.z"},
    {"x\xa1"
     "Cy",
     std::string("x.\x00y", 4), std::string("x.\x00y", 4)},
    {"<b c=\"\xa1"
     "Dy\">",
     "<b c=\".y\">", " "},
    {"<b c=\xe4\"d>e\" f>g",
     "<b c=\"\xe4"
     "d>e\" f>g",
     " g"},
    {"<script>\xe4 A</script>",
     "<script>\xe4"
     "a</script>",
     std::string(" \x00", 2)},
};

class ObservedHtmlTest : public testing::TestWithParam<HtmlCase> {};

TEST_P(ObservedHtmlTest, BecomesWhatWasObserved) {
  const Views views = Normalised(GetParam().html);
  EXPECT_EQ(views.no_comments, GetParam().no_comments) << GetParam().html;
  EXPECT_EQ(views.no_tags, GetParam().no_tags) << GetParam().html;
}

INSTANTIATE_TEST_SUITE_P(Table, ObservedHtmlTest, testing::ValuesIn(kObserved));

TEST(NormalisedHtmlTest, DoesNotCareWhereBlocksAreCut) {
  std::mt19937 random(3);
  const std::string alphabet =
      "<<>>\"'=/&;#! \n\tabXY-\xe4\xf6" + std::string(1, 0);
  std::string html;
  while (html.size() < 60'000) html += alphabet.at(random() % alphabet.size());
  const Views whole = Normalised(html);
  for (const size_t block_bytes :
       std::initializer_list<size_t>{1, 2, 7, 4096, 8191, 8192, 20000}) {
    EXPECT_EQ(NormaliseInBlocks(html, block_bytes), whole) << block_bytes;
  }
}

TEST(NormalisedHtmlTest, LosesWhiteSpaceWhereThePieceBeforeIsFull) {
  const std::string word(8191, 'x');
  EXPECT_EQ(Normalised(word + " \n y").no_comments, word + "y");
  EXPECT_EQ(Normalised(word + "x y").no_comments, word + "x y");
  EXPECT_EQ(Normalised(word.substr(1) + " y").no_comments,
            word.substr(1) + " y");
}

TEST(NormalisedHtmlTest, CountsNoNulAndEndsPiecesBehindWhiteSpace) {
  const std::string word(8191, 'x');
  EXPECT_EQ(Normalised(std::string(4000, 0) + word + " y").no_comments,
            word + "y");
  EXPECT_EQ(Normalised("a " + word + " y").no_comments, "a " + word + "y");
}

TEST(NormalisedHtmlTest, LosesAByteForEachNulBehindAPiece) {
  const std::string head(8000, 'x');
  const std::string tail = "abcdef" + std::string(400, 'y');
  EXPECT_EQ(Normalised(head + " abc" + std::string(2, 0) + tail).no_comments,
            head + " c" + tail);
}

TEST(NormalisedHtmlTest, KeepsTheFirstAddressOfATagOnly) {
  EXPECT_EQ(Normalised("<a href=\"\" href=\"B\">x").no_tags, " x");
  EXPECT_EQ(Normalised("<a href href=\"B\">x").no_tags, " x");
  EXPECT_EQ(Normalised("<a href=\"A\" =\"B\">x").no_tags, " A x");
}

TEST(NormalisedHtmlTest, CutsLongAddressesAndLongNames) {
  const std::string address(3000, 'x');
  EXPECT_EQ(Normalised("<a href=\"" + address + "\">y").no_tags,
            " " + address.substr(0, 1022) + " y");
  EXPECT_EQ(Normalised("a&" + std::string(1026, 'x') + ";y").no_tags, "a xx;y");
}

TEST(NormalisedHtmlTest, EndsALongRunOfWhiteSpaceInLinearTime) {
  const std::string html = "a" + std::string(1'000'000, ' ') + "b";
  EXPECT_EQ(Normalised(html).no_comments, "a b");
}

TEST(NormalisedHtmlTest, KnowsNamesInTheirCaseOnly) {
  EXPECT_EQ(CodeOfHtmlName("amp"), '&');
  EXPECT_EQ(CodeOfHtmlName("Alpha"), 0x391);
  EXPECT_EQ(CodeOfHtmlName("zwnj"), 0x200c);
  EXPECT_EQ(CodeOfHtmlName("AElig"), 0xc6);
  EXPECT_EQ(CodeOfHtmlName("AMP"), std::nullopt);
  EXPECT_EQ(CodeOfHtmlName(""), std::nullopt);
  EXPECT_EQ(CodeOfHtmlName("ampx"), std::nullopt);
}

}  // namespace
}  // namespace gatehouse
