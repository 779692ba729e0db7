#include "engine/deny_list.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

class DenyListTest : public testing::Test {
 protected:
  UniqueFd OpenPath(const char* name) const {
    return UniqueFd(::open(directory_.Path(name).c_str(), O_PATH | O_CLOEXEC));
  }

  const TempDir directory_;
  const std::string one_ = directory_.Write("one", "1");
  const std::string two_ = directory_.Write("two", "2");
  DenyList list_;
};

TEST_F(DenyListTest, DeniesTheFileByWhateverName) {
  ASSERT_EQ(::link(one_.c_str(), directory_.Path("link").c_str()), 0);
  const auto entry = list_.Add(OpenPath("one").UnsafeFd(), "Test.Evil");
  EXPECT_EQ(list_.Find(directory_.Open("one").UnsafeFd()), "Test.Evil");
  EXPECT_EQ(list_.Find(directory_.Open("link").UnsafeFd()), "Test.Evil");
  ASSERT_EQ(::rename(one_.c_str(), directory_.Path("moved").c_str()), 0);
  EXPECT_EQ(list_.Find(OpenPath("moved").UnsafeFd()), "Test.Evil");
}

TEST_F(DenyListTest, KnowsAFileByItsNumbers) {
  struct stat one = {};
  struct stat two = {};
  ASSERT_EQ(::stat(one_.c_str(), &one), 0);
  ASSERT_EQ(::stat(two_.c_str(), &two), 0);
  EXPECT_FALSE(list_.Contains(one.st_dev, one.st_ino));
  const auto entry = list_.Add(OpenPath("one").UnsafeFd(), "Test.Evil");
  EXPECT_TRUE(list_.Contains(one.st_dev, one.st_ino));
  EXPECT_FALSE(list_.Contains(two.st_dev, two.st_ino));
}

TEST_F(DenyListTest, AllowsEverythingElse) {
  EXPECT_FALSE(list_.Find(directory_.Open("one").UnsafeFd()));
  const auto entry = list_.Add(directory_.Open("one").UnsafeFd(), "Test.Evil");
  EXPECT_FALSE(list_.Find(directory_.Open("two").UnsafeFd()));
  EXPECT_FALSE(list_.Find(-1));
}

TEST_F(DenyListTest, OnlyWhileAnEntryLives) {
  {
    const auto entry =
        list_.Add(directory_.Open("one").UnsafeFd(), "Test.Evil");
    EXPECT_EQ(list_.size(), 1U);
  }
  EXPECT_EQ(list_.size(), 0U);
  EXPECT_FALSE(list_.Find(directory_.Open("one").UnsafeFd()));
}

TEST_F(DenyListTest, EntriesForOneFileAddUp) {
  auto first = list_.Add(directory_.Open("one").UnsafeFd(), "Test.First");
  auto second = list_.Add(directory_.Open("one").UnsafeFd(), "Test.Second");
  first.Reset();
  EXPECT_TRUE(list_.Find(directory_.Open("one").UnsafeFd()));
  second.Reset();
  second.Reset();
  EXPECT_FALSE(list_.Find(directory_.Open("one").UnsafeFd()));
}

TEST_F(DenyListTest, AnUnpinnedEntryAsksWhetherItIsTheFile) {
  bool is_same = true;
  auto unpinned = list_.AddUnpinned(OpenPath("one").UnsafeFd(), "Test.Evil",
                                    [&](int /*fd*/) { return is_same; });
  EXPECT_EQ(list_.Find(directory_.Open("one").UnsafeFd()), "Test.Evil");
  is_same = false;  // Its number means another file now.
  EXPECT_FALSE(list_.Find(directory_.Open("one").UnsafeFd()));
  auto pinned = list_.Add(directory_.Open("one").UnsafeFd(), "Test.Other");
  EXPECT_TRUE(list_.Find(directory_.Open("one").UnsafeFd()));
  pinned.Reset();
  is_same = true;
  EXPECT_TRUE(list_.Find(directory_.Open("one").UnsafeFd()));
  unpinned.Reset();
  EXPECT_EQ(list_.size(), 0U);
}

TEST_F(DenyListTest, EntriesCanBeMoved) {
  auto entry = list_.Add(directory_.Open("one").UnsafeFd(), "Test.Evil");
  DenyList::Entry moved = std::move(entry);
  EXPECT_TRUE(list_.Find(directory_.Open("one").UnsafeFd()));
  moved = list_.Add(directory_.Open("two").UnsafeFd(), "Test.Evil");
  EXPECT_FALSE(list_.Find(directory_.Open("one").UnsafeFd()));
  EXPECT_TRUE(list_.Find(directory_.Open("two").UnsafeFd()));
  EXPECT_EQ(list_.size(), 1U);
}

}  // namespace
}  // namespace gatehouse
