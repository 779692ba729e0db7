// What several threads share in the engine, by all of them at once. Also run
// under ThreadSanitizer.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "engine/crashed_content.h"
#include "engine/deny_list.h"
#include "engine/event_queue.h"
#include "engine/exclusions.h"
#include "engine/rescan_queue.h"
#include "tests/engine/file_of_bytes.h"
#include "tests/temp_dir.h"
#include "tests/threads_together.h"

namespace gatehouse {
namespace {

constexpr size_t kRounds = 500;

TEST(SharedStateRaceTest, AFileIsDeniedWhileAnyEntryLives) {
  const TempDir directory;
  directory.Write("evil", "1");
  const UniqueFd file = directory.Open("evil");
  DenyList list;
  const auto isolate = [&](size_t) {
    const DenyList::Entry entry = list.Add(file.UnsafeFd(), "Test.Evil");
    EXPECT_EQ(list.Find(file.UnsafeFd()), "Test.Evil");
  };
  const auto open = [&](size_t) { (void)list.Find(file.UnsafeFd()); };
  RunTogether({isolate, isolate, open, open}, kRounds);
  EXPECT_EQ(list.size(), 0U);
  EXPECT_FALSE(list.Find(file.UnsafeFd()));
}

TEST(SharedStateRaceTest, CrashedContentThatWasSeenStays) {
  std::vector<UniqueFd> files;
  for (size_t i = 0; i < kCrashedContentsMax; ++i) {
    files.push_back(FileOf("content " + std::to_string(i)));
  }
  CrashedContentTable table;
  CrashedContent crashed(table);
  const auto add = [&](size_t round) {
    EXPECT_TRUE(crashed.Add(files[round].UnsafeFd()));
    EXPECT_TRUE(crashed.Contains(files[round].UnsafeFd()));
  };
  const auto look = [&](size_t round) {
    const size_t size = crashed.size();
    if (round < size) {
      EXPECT_TRUE(crashed.Contains(files[round].UnsafeFd()));
    }
  };
  RunTogether({add, look, look}, kCrashedContentsMax);
  EXPECT_EQ(crashed.size(), kCrashedContentsMax);
}

TEST(SharedStateRaceTest, EachRescanIsQueuedOrCountedAsLost) {
  EventQueue queue(kRounds);
  RescanStatistics statistics;
  RescanQueue rescans(queue, statistics);
  Verdict clean;
  clean.kind = VerdictKind::kClean;
  const auto add = [&](size_t) { rescans.Add(FileEvent()); };
  const auto finish = [&](size_t) {
    if (statistics.queued.load() > 0 && queue.size() > 0) {
      EXPECT_TRUE(queue.Pop(false));
      rescans.Finish(clean);
    }
  };
  RunTogether({add, add, add, finish}, kRounds);
  EXPECT_EQ(statistics.queued.load() + statistics.lost.load(), 3 * kRounds);
  EXPECT_EQ(queue.size(),
            statistics.queued.load() - statistics.finished.load());
}

TEST(SharedStateRaceTest, AListOfExclusionsIsReplacedAsAWhole) {
  const auto of = [](const char* path) {
    Exclusion exclusion;
    exclusion.text = path;
    return exclusion;
  };
  Exclusions exclusions;
  exclusions.Set({of("/data/both")});
  const auto set = [&](size_t round) {
    exclusions.Set(
        {of(round % 2 == 0 ? "/data/even" : "/data/odd"), of("/data/both")});
  };
  const auto ask = [&](size_t) {
    EXPECT_TRUE(exclusions.any_path());
    EXPECT_TRUE(exclusions.ExcludesPath("/data/both"));
    EXPECT_FALSE(exclusions.ExcludesPath("/data/neither"));
    EXPECT_LE(exclusions.list().size(), 2U);
  };
  RunTogether({set, set, ask, ask}, kRounds);
}

}  // namespace
}  // namespace gatehouse
