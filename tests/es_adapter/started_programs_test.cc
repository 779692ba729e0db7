#include "es_adapter/started_programs.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace gatehouse {
namespace {

constexpr int32_t kAll = StartedPrograms::kAllProcesses;

TEST(StartedProgramsTest, GivesProcessesInTheOrderTheyStarted) {
  StartedPrograms starts;
  EXPECT_TRUE(starts.Add(7));
  EXPECT_TRUE(starts.Add(5));
  EXPECT_EQ(starts.Take({}), 7);
  EXPECT_EQ(starts.Take({}), 5);
}

TEST(StartedProgramsTest, WhatHasNoRoomIsFoundByALookAtAll) {
  StartedPrograms starts;
  for (size_t i = 0; i < StartedPrograms::kStartsMax; ++i) {
    EXPECT_TRUE(starts.Add(1));
  }
  EXPECT_FALSE(starts.Add(2));
  EXPECT_FALSE(starts.Add(3));
  for (size_t i = 0; i < StartedPrograms::kStartsMax; ++i) {
    EXPECT_EQ(starts.Take({}), 1);
  }
  EXPECT_EQ(starts.Take({}), kAll);
  // Once for all of them.
  EXPECT_TRUE(starts.Add(4));
  EXPECT_EQ(starts.Take({}), 4);
}

TEST(StartedProgramsTest, WantingThemIsToLookAtThoseThatRun) {
  StartedPrograms starts;
  EXPECT_FALSE(starts.is_wanted());
  starts.SetWanted(true);
  EXPECT_TRUE(starts.is_wanted());
  EXPECT_EQ(starts.Take({}), kAll);
  starts.SetWanted(true);  // They are: nothing new.
  EXPECT_TRUE(starts.Add(9));
  EXPECT_EQ(starts.Take({}), 9);
  starts.SetWanted(false);
  EXPECT_FALSE(starts.is_wanted());
  starts.SetWanted(true);
  EXPECT_EQ(starts.Take({}), kAll);
}

TEST(StartedProgramsTest, WhoWaitsIsWokenByAStartAndByAStop) {
  StartedPrograms starts;
  std::optional<int32_t> first;
  std::optional<int32_t> second = 1;
  std::jthread waiter([&](const std::stop_token& stop) {
    first = starts.Take(stop);
    second = starts.Take(stop);
  });
  EXPECT_TRUE(starts.Add(3));
  (void)waiter.request_stop();
  waiter.join();
  // The stop may have come before the start was seen.
  EXPECT_TRUE(first == 3 || first == std::nullopt);
  EXPECT_EQ(second, std::nullopt);
}

}  // namespace
}  // namespace gatehouse
