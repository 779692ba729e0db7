#include "daemon/unheld_files.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/crash_mark.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

class UnheldFilesTest : public testing::Test {
 protected:
  UnheldFilesTest()
      : files_(std::make_unique<UnheldFiles>(queue_, crashed_, record_, 4)) {}
  bool Judge(const std::string& name, const std::stop_token& stop = {}) {
    return files_->Judge({directory_.Open(name), directory_.Path(name)}, stop);
  }
  // A worker dies while it scans the file.
  void DieWith(const std::string& name, uint32_t mark, bool own_fault) {
    ASSERT_TRUE(Judge(name));
    std::optional<FileEvent> event = queue_.Pop(false);
    ASSERT_TRUE(event.has_value());
    std::atomic_ref(*event->unsafe_scan_mark).store(mark);
    files_->Recover(own_fault);
  }

  TempDir directory_;
  CrashedContentTable table_;
  CrashedContent crashed_{table_};
  UnheldRecord record_;
  std::unique_ptr<UnheldFiles> files_;  // Outlives the events in the queue.
  EventQueue queue_{16};
};

TEST_F(UnheldFilesTest, QueuesAFileAsClosedWithItsPath) {
  directory_.Write("a", "text");
  const MonotonicTime before = MonotonicClock::now();
  ASSERT_TRUE(Judge("a"));
  const std::optional<FileEvent> event = queue_.Pop(false);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->kind, FileEventKind::kClose);
  EXPECT_TRUE(event->file.valid());
  EXPECT_EQ(event->unsafe_path, directory_.Path("a"));
  EXPECT_EQ(event->unsafe_believed_path, directory_.Path("a"));
  EXPECT_EQ(event->deadline, kNever);
  // What it costs is counted from here on, and for this file.
  EXPECT_GE(event->times.arrived, before);
  EXPECT_NE(event->key, SourceKey());
  EXPECT_FALSE(event->ticket.pending());
  EXPECT_EQ(record_.files.load(), 1U);
}

TEST_F(UnheldFilesTest, WhatRunsFromMemoryComesFirstAndIsNeverExcluded) {
  directory_.Write("a", "text");
  ASSERT_TRUE(Judge("a"));
  ASSERT_TRUE(files_->Judge({directory_.Open("a"), "/memfd:a", 7}, {}));
  const std::optional<FileEvent> event = queue_.Pop(false);
  ASSERT_TRUE(event.has_value());
  EXPECT_TRUE(UnheldFiles::IsOfRunning(*event));
  EXPECT_EQ(event->pid, 7);
  EXPECT_EQ(event->unsafe_path, "/memfd:a");
  EXPECT_EQ(event->unsafe_believed_path, "");
  const std::optional<FileEvent> other = queue_.Pop(false);
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(UnheldFiles::IsOfRunning(*other));
  EXPECT_FALSE(UnheldFiles::IsOfRunning(FileEvent()));
}

TEST_F(UnheldFilesTest, HasNothingToJudgeInAnEmptyFileOrADirectory) {
  directory_.Write("empty", "");
  EXPECT_TRUE(Judge("empty"));
  EXPECT_TRUE(Judge("."));
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(UnheldFilesTest, WaitsForRoomAndNoLongerThanItIsTold) {
  directory_.Write("a", "text");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Judge("a"));
  std::stop_source stop;
  std::jthread waiter([&] { EXPECT_FALSE(Judge("a", stop.get_token())); });
  (void)stop.request_stop();
  waiter.join();
  EXPECT_EQ(queue_.size(), 4U);
  // Room is made by whoever is done with a file.
  std::jthread other([&] { EXPECT_TRUE(Judge("a")); });
  (void)queue_.Pop(false);
  other.join();
  EXPECT_EQ(queue_.size(), 4U);
}

TEST_F(UnheldFilesTest, GivesUpWhenTheQueueIsClosed) {
  directory_.Write("a", "text");
  queue_.Close();
  EXPECT_FALSE(Judge("a"));
}

TEST_F(UnheldFilesTest, AtTwoStrikesTheContentIsNotScannedAnyMore) {
  directory_.Write("a", "text");
  DieWith("a", kScanMarkFaulted, true);
  ASSERT_TRUE(Judge("a"));
  EXPECT_EQ(crashed_.size(), 0U);
  (void)queue_.Pop(false);
  DieWith("a", kScanMarkScanning, true);
  ASSERT_TRUE(Judge("a"));
  EXPECT_EQ(crashed_.size(), 1U);
  EXPECT_TRUE(crashed_.Contains(directory_.Open("a").UnsafeFd()));
  EXPECT_EQ(record_.strikes.load(), 2U);
}

TEST_F(UnheldFilesTest, OneDeathIsOneStrikeHoweverManyScannedTheFile) {
  directory_.Write("a", "text");
  std::vector<FileEvent> scans;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Judge("a"));
    scans.push_back(*queue_.Pop(false));
    std::atomic_ref(*scans.back().unsafe_scan_mark).store(kScanMarkFaulted);
  }
  files_->Recover(true);
  EXPECT_EQ(record_.strikes.load(), 1U);
  scans.clear();
  ASSERT_TRUE(Judge("a"));
  EXPECT_EQ(crashed_.size(), 0U);
}

TEST_F(UnheldFilesTest, AKillFromOutsideIsNoStrike) {
  directory_.Write("a", "text");
  for (int i = 0; i < 3; ++i) DieWith("a", kScanMarkScanning, false);
  ASSERT_TRUE(Judge("a"));
  EXPECT_EQ(crashed_.size(), 0U);
  EXPECT_EQ(record_.strikes.load(), 0U);
}

TEST_F(UnheldFilesTest, AnotherFileOfThatNameHasNoStrikes) {
  directory_.Write("a", "text");
  DieWith("a", kScanMarkFaulted, true);
  DieWith("a", kScanMarkFaulted, true);
  directory_.Write("b", "text");
  ASSERT_EQ(
      ::rename(directory_.Path("b").c_str(), directory_.Path("a").c_str()), 0);
  ASSERT_TRUE(Judge("a"));
  EXPECT_EQ(crashed_.size(), 0U);
}

}  // namespace
}  // namespace gatehouse
