#include "es_adapter/linux/answer_cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "es_adapter/linux/expected_opens.h"

namespace gatehouse {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

AnswerCache::Question Question(uint64_t inode) {
  AnswerCache::Question question;
  question.type = ES_EVENT_TYPE_AUTH_OPEN;
  question.executable = {1, 2, 3, 4, 5};
  question.target = {1, inode, 3, 4, 5};
  return question;
}

TEST(AnswerCacheTest, FindsTheSameQuestionOnly) {
  AnswerCache cache;
  EXPECT_TRUE(cache.empty());
  cache.Keep(Question(7), UINT32_MAX, 0);
  EXPECT_FALSE(cache.empty());
  EXPECT_EQ(cache.Find(Question(7), kSecondNs), UINT32_MAX);
  EXPECT_EQ(cache.Find(Question(8), kSecondNs), std::nullopt);
  AnswerCache::Question other = Question(7);
  other.type = ES_EVENT_TYPE_AUTH_EXEC;
  EXPECT_EQ(cache.Find(other, kSecondNs), std::nullopt);
  for (const auto change : {&FileState::device, &FileState::inode}) {
    other = Question(7);
    other.executable.*change += 1;
    EXPECT_EQ(cache.Find(other, kSecondNs), std::nullopt);
  }
}

TEST(AnswerCacheTest, AModifiedFileIsAnotherQuestion) {
  AnswerCache cache;
  cache.Keep(Question(7), UINT32_MAX, 0);
  for (const auto change :
       {&FileState::bytes, &FileState::modified_ns, &FileState::changed_ns}) {
    AnswerCache::Question modified = Question(7);
    modified.target.*change += 1;
    EXPECT_EQ(cache.Find(modified, 0), std::nullopt);
    modified = Question(7);
    modified.executable.*change += 1;
    EXPECT_EQ(cache.Find(modified, 0), std::nullopt);
  }
}

TEST(AnswerCacheTest, ADenialIsForgottenSoon) {
  AnswerCache cache;
  cache.Keep(Question(7), 0, kSecondNs);
  EXPECT_EQ(cache.Find(Question(7), 2 * kSecondNs), 0U);
  EXPECT_EQ(cache.Find(Question(7), kSecondNs * 5 / 2), std::nullopt);
  cache.Keep(Question(7), 1, kSecondNs);
  EXPECT_EQ(cache.Find(Question(7), 1000 * kSecondNs), 1U);
}

TEST(AnswerCacheTest, MoreThanItHoldsPushesOutOthers) {
  AnswerCache cache;
  for (uint64_t inode = 0; inode < 20'000; ++inode) {
    cache.Keep(Question(inode), static_cast<uint32_t>(inode) + 1, 0);
    ASSERT_EQ(cache.Find(Question(inode), 0), static_cast<uint32_t>(inode) + 1);
  }
  uint32_t kept = 0;
  for (uint64_t inode = 0; inode < 20'000; ++inode) {
    const std::optional<uint32_t> flags = cache.Find(Question(inode), 0);
    if (!flags) continue;
    ++kept;
    EXPECT_EQ(*flags, static_cast<uint32_t>(inode) + 1);
  }
  EXPECT_GT(kept, 2'000U);
}

TEST(AnswerCacheTest, ClearsNoMoreOftenThanTenTimesASecond) {
  AnswerCache cache;
  cache.Keep(Question(7), UINT32_MAX, 0);
  EXPECT_TRUE(cache.TryClear(kSecondNs));
  EXPECT_EQ(cache.Find(Question(7), kSecondNs), std::nullopt);
  cache.Keep(Question(7), UINT32_MAX, kSecondNs);
  EXPECT_FALSE(cache.TryClear(kSecondNs + kSecondNs / 20));
  EXPECT_EQ(cache.Find(Question(7), kSecondNs), UINT32_MAX);
  EXPECT_TRUE(cache.TryClear(kSecondNs + kSecondNs / 10));
}

TEST(ExpectedOpensTest, IsTakenOnceByTheSameProcessForTheSameFile) {
  ExpectedOpens opens;
  const FileState file = {1, 2, 3, 4, 5};
  FileState modified = file;
  modified.changed_ns += 1;
  EXPECT_FALSE(opens.any());
  opens.Expect(10, file, 0);
  EXPECT_TRUE(opens.any());
  EXPECT_FALSE(opens.Take(11, file, 1));
  EXPECT_FALSE(opens.Take(10, modified, 1));
  EXPECT_TRUE(opens.Take(10, file, 1));
  EXPECT_FALSE(opens.Take(10, file, 1));
  EXPECT_FALSE(opens.any());
}

TEST(ExpectedOpensTest, IsOverAfterASecond) {
  ExpectedOpens opens;
  const FileState file = {1, 2, 3, 4, 5};
  opens.Expect(10, file, 0);
  EXPECT_FALSE(opens.Take(10, file, kSecondNs));
  EXPECT_FALSE(opens.any());
}

TEST(ExpectedOpensTest, ForgetsTheOldestAndIgnoresTheUnknown) {
  ExpectedOpens opens;
  const FileState file = {1, 2, 3, 4, 5};
  opens.Expect(0, file, 0);
  EXPECT_FALSE(opens.any());
  EXPECT_FALSE(opens.Take(0, file, 0));
  for (pid_t pid = 1; pid <= 65; ++pid) opens.Expect(pid, file, 0);
  EXPECT_FALSE(opens.Take(1, file, 1));
  EXPECT_TRUE(opens.Take(2, file, 1));
  EXPECT_TRUE(opens.Take(65, file, 1));
}

}  // namespace
}  // namespace gatehouse
