#include "engine/cost_histogram.h"

namespace gatehouse {

static_assert(CostHistogram::BucketOf(4) == 4);
static_assert(CostHistogram::EndNs(3) == 4 && CostHistogram::EndNs(4) == 5);
static_assert(CostHistogram::BucketOf(1023) == 35);
static_assert(CostHistogram::EndNs(35) == 1024);
static_assert(CostHistogram::BucketOf(INT64_MAX) ==
              CostHistogram::kBuckets - 1);

uint64_t CostHistogram::total() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < kBuckets; ++i) sum += count(i);
  return sum;
}

uint64_t CostHistogram::QuantileNs(uint64_t permille) const {
  const uint64_t wanted = total() * permille;
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += count(i);
    if (count(i) == 0 || seen * 1000 < wanted) continue;
    const uint64_t begin = i == 0 ? 0 : EndNs(i - 1);
    return begin + (EndNs(i) - begin) / 2;
  }
  return 0;
}

}  // namespace gatehouse
