#include "engine/matching/shared_text.h"

#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {
namespace {

class Html {
 public:
  explicit Html(const std::string& file) {
    HtmlNormaliser normaliser(all_, text_, &runs_);
    normaliser.Feed(AsBytes(file));
    normaliser.Finish();
    shared_.Begin(runs_, text_);
  }

  // Where the literal ends in the view without tags, found there.
  [[nodiscard]] std::multiset<size_t> Ends(std::string_view literal) const {
    std::multiset<size_t> ends;
    for (const LiteralPlace place : Places(AsText(text_), literal)) {
      ends.insert(place.end);
    }
    return ends;
  }
  // The same by what is shared and what is not.
  [[nodiscard]] std::multiset<size_t> EndsOfShared(
      std::string_view literal) const {
    std::multiset<size_t> ends;
    for (const LiteralPlace place : Places(AsText(all_), literal)) {
      if (const auto end = shared_.EndOfShared(place)) ends.insert(*end);
    }
    return ends;
  }
  [[nodiscard]] std::multiset<size_t> EndsOfOwn(
      std::string_view literal) const {
    std::multiset<size_t> ends;
    const std::string_view own = AsText(shared_.own_bytes());
    for (const LiteralPlace place : Places(own, literal)) {
      if (const auto end = shared_.EndOfOwn(place)) ends.insert(*end);
    }
    return ends;
  }
  [[nodiscard]] std::string_view text() const { return AsText(text_); }
  [[nodiscard]] std::string_view all() const { return AsText(all_); }
  [[nodiscard]] std::string_view own() const {
    return AsText(shared_.own_bytes());
  }
  [[nodiscard]] const std::vector<HtmlTextRun>& runs() const { return runs_; }

 private:
  static std::vector<LiteralPlace> Places(std::string_view bytes,
                                          std::string_view literal) {
    std::vector<LiteralPlace> places;
    for (size_t at = bytes.find(literal); at != bytes.npos;
         at = bytes.find(literal, at + 1)) {
      places.push_back({at, at + literal.size()});
    }
    return places;
  }

  std::vector<uint8_t> all_;
  std::vector<uint8_t> text_;
  std::vector<HtmlTextRun> runs_;
  SharedText shared_;
};

using Ends = std::multiset<size_t>;

const std::string kLong = "a line of text that is longer than most lines are";

TEST(SharedTextTest, FindsALiteralWithinATextByTheOtherView) {
  const Html html("<b>" + kLong + "</b>");
  ASSERT_EQ(html.runs().size(), 1U);
  EXPECT_EQ(html.EndsOfShared("longer"), html.Ends("longer"));
  EXPECT_EQ(html.EndsOfOwn("longer"), Ends());
  EXPECT_LT(html.own().size(), html.text().size() / 2);
}

TEST(SharedTextTest, FindsALiteralAcrossARemovedTag) {
  const Html html(kLong + "<i>" + kLong);
  EXPECT_EQ(html.all().find("are a"), html.all().npos);
  EXPECT_EQ(html.Ends("are a li").size(), 1U);
  EXPECT_EQ(html.EndsOfOwn("are a li"), html.Ends("are a li"));
}

TEST(SharedTextTest, FindsALiteralInAnAddress) {
  const Html html(kLong + "<a href=\"Http://X\">" + kLong);
  EXPECT_EQ(html.all().find("Http"), html.all().npos);
  EXPECT_EQ(html.Ends("Http://X").size(), 1U);
  EXPECT_EQ(html.EndsOfOwn("Http://X"), html.Ends("Http://X"));
}

TEST(SharedTextTest, DoesNotFindWhatStandsInTagsOnly) {
  const Html html(kLong + "<p class=\"name\">" + kLong);
  EXPECT_EQ(html.EndsOfShared("class"), Ends());
  EXPECT_EQ(html.EndsOfShared("e\">a"), Ends());
}

TEST(SharedTextTest, DoesNotFindWhatIsNoNeighbourInTheView) {
  const Html html("<b>" + kLong + "</b>");
  // Of the text, only its ends are looked through.
  const std::string_view own = html.own();
  const std::string seam(own.substr(own.size() / 2 - 3, 8));
  ASSERT_EQ(html.Ends(seam), Ends());
  EXPECT_EQ(html.EndsOfOwn(seam), Ends());
}

std::string RandomHtml(std::mt19937& random) {
  const std::vector<std::string> pieces = {kLong,
                                           "and more of it",
                                           "<b>",
                                           "</i>",
                                           "<p class='x y'>",
                                           "&amp;",
                                           "<a href='Ab c'>",
                                           "<!-- -->",
                                           "\n",
                                           "\r\n  ",
                                           "\xc3\xa9",
                                           "<img src=X>",
                                           "ab",
                                           "a",
                                           " ",
                                           "<script>a b</script>",
                                           std::string(40, 'a')};
  std::string html;
  const size_t count = random() % 40;
  for (size_t i = 0; i < count; ++i) html += pieces[random() % pieces.size()];
  return html;
}

TEST(SharedTextTest, FindsEachPlaceOfAnyShortLiteralOnce) {
  const uint32_t seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  size_t shared = 0;
  for (int i = 0; i < 3000; ++i) {
    const Html html(RandomHtml(random));
    for (const HtmlTextRun& run : html.runs()) {
      ASSERT_EQ(html.all().substr(run.no_comments, run.bytes),
                html.text().substr(run.no_tags, run.bytes));
    }
    for (int k = 0; k < 20; ++k) {
      const std::string_view from = k % 2 == 0 ? html.text() : html.own();
      const std::string literal(
          from.substr(random() % (from.size() + 1),
                      1 + random() % SharedText::kLiteralBytesMax));
      if (literal.empty()) continue;
      Ends ends = html.EndsOfShared(literal);
      shared += ends.size();
      ends.merge(html.EndsOfOwn(literal));
      ASSERT_EQ(ends, html.Ends(literal)) << literal << "\n" << html.text();
    }
  }
  EXPECT_GT(shared, 10'000U);
}

}  // namespace
}  // namespace gatehouse
