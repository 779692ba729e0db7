// What several threads share in the library, by all of them at once. Also run
// under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "es_adapter/linux/answer_cache.h"
#include "es_adapter/linux/expected_opens.h"
#include "es_adapter/linux/mute_set.h"
#include "tests/threads_together.h"

namespace gatehouse {
namespace {

constexpr size_t kRounds = 2000;
constexpr int64_t kClearEveryNs = 100'000'000;

TEST(SharedStateRaceTest, AKeptAnswerIsThatOfItsQuestion) {
  AnswerCache cache;
  const auto question = [](size_t inode) {
    AnswerCache::Question asked;
    asked.type = ES_EVENT_TYPE_AUTH_OPEN;
    asked.target.inode = inode;
    return asked;
  };
  const auto keep = [&](size_t round) {
    cache.Keep(question(round % 64), static_cast<uint32_t>(round % 64 + 1), 0);
  };
  const auto find = [&](size_t round) {
    const std::optional<uint32_t> flags = cache.Find(question(round % 64), 0);
    EXPECT_EQ(flags.value_or(round % 64 + 1), round % 64 + 1);
  };
  const auto clear = [&](size_t round) {
    if (round % 100 != 0) return;
    (void)cache.TryClear(static_cast<int64_t>(round) * kClearEveryNs);
  };
  RunTogether({keep, keep, find, find, clear}, kRounds);
  keep(0);  // Whoever cleared may have been the last.
  EXPECT_EQ(cache.Find(question(0), 0), 1U);
}

TEST(SharedStateRaceTest, AnExpectedOpenIsTakenAtMostOnce) {
  ExpectedOpens expected;
  std::vector<std::atomic<size_t>> taken(kRounds);
  const auto open_of = [](size_t inode) {
    FileState file;
    file.inode = inode;
    return file;
  };
  const auto take = [&](size_t inode) {
    if (expected.Take(1, open_of(inode), 0)) (void)taken[inode].fetch_add(1);
    EXPECT_FALSE(expected.Take(2, open_of(inode), 0));
  };
  RunTogether({[&](size_t inode) { expected.Expect(1, open_of(inode), 0); },
               take, take},
              kRounds);
  for (size_t inode = 0; inode < kRounds; ++inode) take(inode);
  for (const std::atomic<size_t>& times : taken) EXPECT_LE(times.load(), 1U);
  EXPECT_EQ(taken.back().load(), 1U);
  EXPECT_FALSE(expected.any());
}

TEST(SharedStateRaceTest, WhatIsMutedAllTheTimeIsNeverDelivered) {
  MuteSet mutes;
  const EventSet all = EventSet().set();
  mutes.Mute(ES_MUTE_PATH_TYPE_TARGET_PREFIX, "/always", all);
  const auto change = [&](size_t round) {
    if (round % 2 == 0) {
      mutes.Mute(ES_MUTE_PATH_TYPE_TARGET_LITERAL, "/at/times", all);
    } else {
      mutes.Unmute(ES_MUTE_PATH_TYPE_TARGET_LITERAL, "/at/times", all);
    }
  };
  const auto ask = [&](size_t) {
    MuteSubject subject;
    subject.type = ES_EVENT_TYPE_AUTH_OPEN;
    subject.targets.front() = "/always/there";
    subject.target_count = 1;
    EXPECT_TRUE(mutes.needs_targets());
    EXPECT_TRUE(mutes.Suppresses(subject));
    subject.targets.front() = "/never";
    EXPECT_FALSE(mutes.Suppresses(subject));
  };
  RunTogether({change, change, ask, ask}, kRounds);
}

}  // namespace
}  // namespace gatehouse
