// CostHistogram: how long something took, how often, in fixed memory: four
// buckets per power of two, so that a quantile is at most an eighth wrong.
//
// Thread-safe and process-safe: relaxed atomics, read for display only. May
// live in shared memory.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gatehouse {

class CostHistogram {
 public:
  // The last bucket holds whatever took longer: 2^36 ns are 68 s.
  static constexpr size_t kBuckets = 36 * 4;

  void Add(std::chrono::nanoseconds cost) {
    buckets_[BucketOf(cost.count())].fetch_add(1, std::memory_order_relaxed);
  }

  uint64_t count(size_t bucket) const {
    return buckets_[bucket].load(std::memory_order_relaxed);
  }
  uint64_t total() const;
  // The cost in ns that `permille` of all stayed below, in the middle of its
  // bucket; 0 if there was none.
  uint64_t QuantileNs(uint64_t permille) const;

  static constexpr size_t BucketOf(int64_t cost_ns) {
    if (cost_ns < 4) return cost_ns < 0 ? 0 : static_cast<size_t>(cost_ns);
    const auto value = static_cast<uint64_t>(cost_ns);
    const size_t power = std::bit_width(value) - 1;
    const size_t bucket = (power - 1) * 4 + ((value >> (power - 2)) & 3);
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  // The least cost, in ns, that is beyond the bucket.
  static constexpr uint64_t EndNs(size_t bucket) {
    if (bucket < 4) return bucket + 1;
    return (4 + bucket % 4 + 1) << (bucket / 4 - 1);
  }

 private:
  std::array<std::atomic<uint64_t>, kBuckets> buckets_ = {};
};

}  // namespace gatehouse
