#include "engine/crashed_content.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "base/unique_fd.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

std::string Content(size_t number) {
  return "content " + std::to_string(number);
}

TEST(CrashedContentTest, KnowsNothingAtFirst) {
  CrashedContentTable table;
  const CrashedContent crashed(table);
  EXPECT_EQ(crashed.size(), 0U);
  EXPECT_FALSE(crashed.Contains(FileOf("content").UnsafeFd()));
}

TEST(CrashedContentTest, KnowsWhatWasAdded) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  const UniqueFd file = FileOf("content");
  EXPECT_TRUE(crashed.Add(file.UnsafeFd()).value());
  EXPECT_TRUE(crashed.Contains(file.UnsafeFd()));
  EXPECT_EQ(crashed.size(), 1U);
}

TEST(CrashedContentTest, AddsTheSameContentOnce) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  EXPECT_TRUE(crashed.Add(FileOf("content").UnsafeFd()).value());
  EXPECT_FALSE(crashed.Add(FileOf("content").UnsafeFd()).value());
  EXPECT_EQ(crashed.size(), 1U);
}

TEST(CrashedContentTest, KnowsACopyUnderAnotherName) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  const TempDir directory;
  directory.Write("one", "content");
  directory.Write("another", "content");
  EXPECT_TRUE(crashed.Add(directory.Open("one").UnsafeFd()).value());
  EXPECT_TRUE(crashed.Contains(directory.Open("another").UnsafeFd()));
}

TEST(CrashedContentTest, DoesNotKnowOtherContentOfTheSameSize) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  EXPECT_TRUE(crashed.Add(FileOf("content").UnsafeFd()).value());
  EXPECT_FALSE(crashed.Contains(FileOf("CONTENT").UnsafeFd()));
}

TEST(CrashedContentTest, DoesNotKnowContentThatOnlyBeginsTheSame) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  EXPECT_TRUE(crashed.Add(FileOf("content").UnsafeFd()).value());
  EXPECT_FALSE(crashed.Contains(FileOf("content and more").UnsafeFd()));
}

TEST(CrashedContentTest, LooksAtEveryBlockOfALongFile) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  std::string content(200'000, 'a');
  EXPECT_TRUE(crashed.Add(FileOf(content).UnsafeFd()).value());
  EXPECT_TRUE(crashed.Contains(FileOf(content).UnsafeFd()));
  content.back() = 'b';
  EXPECT_FALSE(crashed.Contains(FileOf(content).UnsafeFd()));
}

TEST(CrashedContentTest, ReadsFromTheBeginningAndLeavesTheOffsetAlone) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  const UniqueFd file = FileOf("content");  // Its offset is at the end.
  EXPECT_TRUE(crashed.Add(file.UnsafeFd()).value());
  EXPECT_TRUE(crashed.Contains(FileOf("content").UnsafeFd()));
  EXPECT_EQ(::lseek(file.UnsafeFd(), 0, SEEK_CUR), 7);
}

TEST(CrashedContentTest, KnowsTheEmptyFileOnlyWhenItWasAdded) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  EXPECT_TRUE(crashed.Add(FileOf("content").UnsafeFd()).value());
  EXPECT_FALSE(crashed.Contains(FileOf("").UnsafeFd()));
  EXPECT_TRUE(crashed.Add(FileOf("").UnsafeFd()).value());
  EXPECT_TRUE(crashed.Contains(FileOf("").UnsafeFd()));
}

TEST(CrashedContentTest, SaysWhenTheTableIsFullAndKeepsWhatItHas) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  for (size_t i = 0; i < kCrashedContentsMax; ++i) {
    ASSERT_TRUE(crashed.Add(FileOf(Content(i)).UnsafeFd()).value());
  }
  const Result<bool> added = crashed.Add(FileOf("one more").UnsafeFd());
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(crashed.size(), kCrashedContentsMax);
  EXPECT_FALSE(crashed.Contains(FileOf("one more").UnsafeFd()));
  EXPECT_TRUE(crashed.Contains(FileOf(Content(0)).UnsafeFd()));
  EXPECT_TRUE(
      crashed.Contains(FileOf(Content(kCrashedContentsMax - 1)).UnsafeFd()));
}

TEST(CrashedContentTest, AFullTableStillSaysThatItHasTheContent) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  for (size_t i = 0; i < kCrashedContentsMax; ++i) {
    ASSERT_TRUE(crashed.Add(FileOf(Content(i)).UnsafeFd()).value());
  }
  EXPECT_FALSE(crashed.Add(FileOf(Content(5)).UnsafeFd()).value());
}

TEST(CrashedContentTest, SaysWhenTheFileCannotBeRead) {
  CrashedContentTable table;
  CrashedContent crashed(table);
  const TempDir directory;
  const UniqueFd unreadable(
      ::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Result<bool> added = crashed.Add(unreadable.UnsafeFd());
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code, ErrorCode::kOperational);
  EXPECT_EQ(crashed.size(), 0U);
}

TEST(CrashedContentTest, TwoViewsShareOneTable) {
  CrashedContentTable table;
  CrashedContent writer(table);
  const CrashedContent reader(table);
  EXPECT_TRUE(writer.Add(FileOf("content").UnsafeFd()).value());
  EXPECT_TRUE(reader.Contains(FileOf("content").UnsafeFd()));
}

}  // namespace
}  // namespace gatehouse
