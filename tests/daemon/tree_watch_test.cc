#include "daemon/tree_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "tests/becomes_true.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;

constexpr size_t kMany = 1000;

// How many events the kernel keeps for whoever does not read them.
int QueueMax() {
  int count = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> count;
  return count;
}

class TreeWatchTest : public testing::Test {
 protected:
  void Start(size_t watches_max = kMany) {
    Result<std::unique_ptr<TreeWatch>> watch = TreeWatch::Start(
        {directory_.path()}, watches_max,
        [this](UniqueFd file, std::string path, const std::stop_token&) {
          EXPECT_TRUE(file.valid());
          const MutexLock lock(mutex_);
          while (is_held_) changed_.Wait(mutex_);
          paths_.insert(std::move(path));
          return true;
        },
        statistics_);
    ASSERT_TRUE(watch.has_value()) << watch.error().message;
    watch_ = std::move(*watch);
  }
  // The first walk is over: from now on everything is an event.
  void StartAndWalk() {
    Start();
    ASSERT_TRUE(BecomesTrue([this] { return statistics_.walks.load() == 1; }));
  }
  void Hold(bool is_held) {
    const MutexLock lock(mutex_);
    is_held_ = is_held;
    changed_.NotifyAll();
  }
  bool Sees(const std::string& name) {
    return BecomesTrue([&] {
      const MutexLock lock(mutex_);
      return paths_.contains(directory_.Path(name));
    });
  }
  bool HasSeen(const std::string& name) {
    const MutexLock lock(mutex_);
    return paths_.contains(directory_.Path(name));
  }

  TempDir directory_;
  TreeStatistics statistics_;
  Mutex mutex_;
  CondVar changed_;
  bool is_held_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  std::set<std::string> paths_ GATEHOUSE_GUARDED_BY(mutex_);
  std::unique_ptr<TreeWatch> watch_;  // Last: it uses the members above.
};

TEST_F(TreeWatchTest, ShowsWhatIsThereAndThenWhatIsWritten) {
  directory_.MakeDirectory("a");
  directory_.Write("a/old", "text");
  StartAndWalk();
  EXPECT_TRUE(Sees("a/old"));
  EXPECT_TRUE(watch_->IsWatching());
  EXPECT_EQ(watch_->watches(), 2U);
  directory_.Write("a/new", "text");
  EXPECT_TRUE(Sees("a/new"));
}

TEST_F(TreeWatchTest, FollowsDirectoriesThatComeAndMove) {
  StartAndWalk();
  directory_.MakeDirectory("one");
  directory_.Write("one/a", "text");
  EXPECT_TRUE(Sees("one/a"));
  ASSERT_EQ(
      ::rename(directory_.Path("one").c_str(), directory_.Path("two").c_str()),
      0);
  EXPECT_TRUE(Sees("two/a"));  // Looked at anew, by its new name.
  directory_.Write("two/b", "text");
  EXPECT_TRUE(Sees("two/b"));
  EXPECT_EQ(watch_->watches(), 2U);
}

TEST_F(TreeWatchTest, ForgetsOnlyWhatLeft) {
  const TempDir elsewhere;
  for (const char* name : {"a", "a/in", "ab"}) directory_.MakeDirectory(name);
  StartAndWalk();
  EXPECT_EQ(watch_->watches(), 4U);
  ASSERT_EQ(::rename(directory_.Path("a").c_str(), elsewhere.Path("a").c_str()),
            0);
  EXPECT_TRUE(BecomesTrue([this] { return watch_->watches() == 2; }));
  elsewhere.Write("a/in/outside", "text");
  directory_.Write("ab/inside", "text");
  EXPECT_TRUE(Sees("ab/inside"));
  EXPECT_FALSE(HasSeen("a/in/outside"));
}

TEST_F(TreeWatchTest, ShowsWhatIsMovedInOrLinked) {
  const TempDir elsewhere;
  const std::string moved = elsewhere.Write("moved", "text");
  const std::string linked = elsewhere.Write("linked", "text");
  StartAndWalk();
  ASSERT_EQ(::rename(moved.c_str(), directory_.Path("moved").c_str()), 0);
  ASSERT_EQ(::link(linked.c_str(), directory_.Path("linked").c_str()), 0);
  EXPECT_TRUE(Sees("moved"));
  EXPECT_TRUE(Sees("linked"));
}

TEST_F(TreeWatchTest, FollowsNoSymbolicLinkAndOpensNoFifo) {
  const TempDir elsewhere;
  elsewhere.Write("outside", "text");
  ASSERT_EQ(
      ::symlink(elsewhere.path().c_str(), directory_.Path("link").c_str()), 0);
  ASSERT_EQ(::mkfifo(directory_.Path("fifo").c_str(), 0600), 0);
  StartAndWalk();
  directory_.Write("last", "text");
  EXPECT_TRUE(Sees("last"));
  EXPECT_FALSE(HasSeen("link/outside"));
  EXPECT_FALSE(HasSeen("fifo"));
  EXPECT_EQ(watch_->watches(), 1U);
}

TEST_F(TreeWatchTest, EndsAndSaysWhyAtTheLimitOfWatches) {
  directory_.MakeDirectory("a");
  Start(2);
  ASSERT_TRUE(BecomesTrue([this] { return watch_->watches() == 2; }));
  EXPECT_EQ(watch_->failure(), "");
  directory_.MakeDirectory("b");
  ASSERT_TRUE(BecomesTrue([this] { return !watch_->failure().empty(); }));
  EXPECT_THAT(watch_->failure(), HasSubstr("more than 2 directories"));
  EXPECT_FALSE(watch_->IsWatching());
}

TEST_F(TreeWatchTest, VisitsTheTreeAnewWhenTheKernelLostEvents) {
  StartAndWalk();
  Hold(true);
  // Two files in turn: the kernel merges events only if nothing is between.
  directory_.Write("a", "text");
  // What the watch has read before it was held is not in the queue.
  const int event_count = 2 * QueueMax();
  for (int i = 0; i < event_count; ++i) {
    const std::string path = directory_.Path(i % 2 == 0 ? "a" : "b");
    const UniqueFd file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(file.valid());
  }
  directory_.Write("lost", "text");
  Hold(false);
  EXPECT_TRUE(Sees("lost"));
  EXPECT_GE(statistics_.overflows.load(), 1U);
  EXPECT_TRUE(BecomesTrue([this] { return statistics_.walks.load() >= 2; }));
}

TEST_F(TreeWatchTest, EndsWhenToldInTheMiddleOfAWalk) {
  directory_.Write("a", "text");
  Start();
  Hold(false);
  watch_.reset();
  SUCCEED();
}

}  // namespace
}  // namespace gatehouse
