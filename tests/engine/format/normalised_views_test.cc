#include "engine/format/normalised_views.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

TEST(NormalisedViewsTest, HasNoneWithoutAForm) {
  NormalisedViews views;
  EXPECT_TRUE(views.Make(AsBytes("text"), NormalisedForm::kNone).empty());
  EXPECT_FALSE(views.limit_reached());
}

TEST(NormalisedViewsTest, HasOneOfAText) {
  NormalisedViews views;
  const auto made = views.Make(AsBytes("A  <B>"), NormalisedForm::kText);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].kind, ViewKind::kText);
  EXPECT_EQ(TargetOfView(made[0].kind), 7U);
  EXPECT_EQ(AsText(made[0].bytes), "a <b>");
}

TEST(NormalisedViewsTest, HasTwoOfHtml) {
  NormalisedViews views;
  const auto made = views.Make(AsBytes("A  <B>C"), NormalisedForm::kHtml);
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].kind, ViewKind::kHtmlNoComments);
  EXPECT_EQ(made[1].kind, ViewKind::kHtmlNoTags);
  EXPECT_EQ(TargetOfView(made[0].kind), 3U);
  EXPECT_EQ(TargetOfView(made[1].kind), 3U);
  EXPECT_EQ(AsText(made[0].bytes), "a <b>c");
  EXPECT_EQ(AsText(made[1].bytes), "a c");
}

TEST(NormalisedViewsTest, ForgetsTheFileBefore) {
  NormalisedViews views;
  (void)views.Make(AsBytes("<b c=\"unclosed"), NormalisedForm::kHtml);
  const auto made = views.Make(AsBytes("Text"), NormalisedForm::kText);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(AsText(made[0].bytes), "text");
}

TEST(NormalisedViewsTest, HasNoneOfATextThatIsTooLong) {
  NormalisedViews views;
  const std::string text(kTextFileBytesMax + 1, 'x');
  EXPECT_TRUE(views.Make(AsBytes(text), NormalisedForm::kText).empty());
  EXPECT_TRUE(views.limit_reached());
  const ByteView longest = AsBytes(text).first(kTextFileBytesMax);
  EXPECT_EQ(views.Make(longest, NormalisedForm::kText).size(), 1U);
  EXPECT_FALSE(views.limit_reached());
}

TEST(NormalisedViewsTest, HasNoneOfHtmlThatIsTooLong) {
  NormalisedViews views;
  const std::string text(kHtmlFileBytesMax + 1, '\n');
  EXPECT_TRUE(views.Make(AsBytes(text), NormalisedForm::kHtml).empty());
  EXPECT_TRUE(views.limit_reached());
  const ByteView longest = AsBytes(text).first(kHtmlFileBytesMax);
  EXPECT_EQ(views.Make(longest, NormalisedForm::kHtml).size(), 1U);
}

TEST(NormalisedViewsTest, HasNoneWithoutTagsOfHtmlThatIsRatherLong) {
  NormalisedViews views;
  const std::string text(kHtmlNoTagsFileBytesMax + 1, '\n');
  EXPECT_EQ(views.Make(AsBytes(text), NormalisedForm::kHtml).size(), 1U);
  EXPECT_TRUE(views.limit_reached());
  const ByteView longest = AsBytes(text).first(kHtmlNoTagsFileBytesMax);
  EXPECT_EQ(views.Make(longest, NormalisedForm::kHtml).size(), 2U);
  EXPECT_FALSE(views.limit_reached());
}

// The most that a file can grow: the shortest names of the longest references.
TEST(NormalisedViewsTest, HasRoomForWhateverTheLongestFileBecomes) {
  std::string text;
  while (text.size() + 4 <= kHtmlFileBytesMax) text += "&pi;";
  NormalisedViews views;
  const auto made = views.Make(AsBytes(text), NormalisedForm::kHtml);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].bytes.size(), 2 * text.size());
  EXPECT_LE(made[0].bytes.size(), kHtmlFileBytesMax * 2);
}

}  // namespace
}  // namespace gatehouse
