#include "es_adapter/linux/answer_cache.h"

#include <algorithm>

namespace gatehouse {
namespace {

constexpr size_t kEntries = 4096;  // A power of two.
constexpr int64_t kDenialNs = 1'500'000'000;
constexpr int64_t kClearPeriodNs = 100'000'000;

size_t IndexOf(const AnswerCache::Question& question) {
  // Odd constants of the golden ratio: neighbouring inodes go far apart.
  constexpr uint64_t kMix = 0x9E3779B97F4A7C15U;
  uint64_t hash = question.type;
  for (const uint64_t part :
       {question.executable.device, question.executable.inode,
        question.target.device, question.target.inode}) {
    hash = (hash ^ part) * kMix;
    hash ^= hash >> 32U;
  }
  return hash & (kEntries - 1);
}

}  // namespace

AnswerCache::AnswerCache() : entries_(kEntries) {}

void AnswerCache::Keep(const Question& question, uint32_t flags,
                       int64_t now_ns) {
  const MutexLock lock(mutex_);
  entries_.at(IndexOf(question)) = {question, flags, now_ns};
  empty_.store(false);
}

std::optional<uint32_t> AnswerCache::Find(const Question& question,
                                          int64_t now_ns) const {
  const MutexLock lock(mutex_);
  const Entry& entry = entries_.at(IndexOf(question));
  if (entry.question != question) return std::nullopt;
  if (entry.flags == 0 && now_ns - entry.kept_ns >= kDenialNs) {
    return std::nullopt;
  }
  return entry.flags;
}

void AnswerCache::Clear() {
  const MutexLock lock(mutex_);
  std::fill(entries_.begin(), entries_.end(), Entry());
  empty_.store(true);
}

bool AnswerCache::TryClear(int64_t now_ns) {
  const MutexLock lock(mutex_);
  if (cleared_ns_ && now_ns - *cleared_ns_ < kClearPeriodNs) return false;
  cleared_ns_ = now_ns;
  std::fill(entries_.begin(), entries_.end(), Entry());
  empty_.store(true);
  return true;
}

}  // namespace gatehouse
