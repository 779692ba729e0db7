#include "engine/cost_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "engine/event_costs.h"

namespace gatehouse {
namespace {

using std::chrono::nanoseconds;

TEST(CostHistogramTest, EveryCostIsInItsBucket) {
  uint64_t begin = 0;
  for (size_t i = 0; i + 1 < CostHistogram::kBuckets; ++i) {
    const uint64_t end = CostHistogram::EndNs(i);
    EXPECT_LT(begin, end);
    EXPECT_EQ(CostHistogram::BucketOf(static_cast<int64_t>(begin)), i);
    EXPECT_EQ(CostHistogram::BucketOf(static_cast<int64_t>(end - 1)), i);
    begin = end;
  }
}

TEST(CostHistogramTest, CountsWhatIsBeyondItsEndsAtItsEnds) {
  CostHistogram histogram;
  histogram.Add(nanoseconds{-5});  // Clocks of two processors may differ.
  histogram.Add(nanoseconds::max());
  EXPECT_EQ(histogram.count(0), 1U);
  EXPECT_EQ(histogram.count(CostHistogram::kBuckets - 1), 1U);
}

TEST(CostHistogramTest, QuantilesAreAnEighthWrongAtMost) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> costs(9, 2);
  CostHistogram histogram;
  std::vector<int64_t> sorted;
  for (int i = 0; i < 10'000; ++i) {
    sorted.push_back(4 + std::llround(costs(random)));
    histogram.Add(nanoseconds{sorted.back()});
  }
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(histogram.total(), sorted.size());
  for (const uint64_t permille : {10U, 500U, 990U, 999U}) {
    const auto exact =
        static_cast<double>(sorted.at(sorted.size() * permille / 1000 - 1));
    EXPECT_NEAR(static_cast<double>(histogram.QuantileNs(permille)), exact,
                exact / 8 + 1)
        << permille;
  }
}

TEST(CostHistogramTest, HasNoQuantileOfNothing) {
  EXPECT_EQ(CostHistogram().QuantileNs(500), 0U);
}

TEST(CostHistogramTest, LosesNothingBetweenThreads) {
  CostHistogram histogram;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&histogram] {
        for (int cost = 0; cost < 5000; ++cost) {
          histogram.Add(nanoseconds{cost});
        }
      });
    }
  }
  EXPECT_EQ(histogram.total(), 20'000U);
}

TEST(EventCostsTest, DividesTheTimeOfAnEvent) {
  EventCosts costs;
  FileEvent event;
  event.kind = FileEventKind::kOpen;
  event.times.arrived = MonotonicTime(nanoseconds{1000});
  event.times.taken = event.times.arrived + nanoseconds{16};
  event.times.judged = event.times.taken + nanoseconds{256};
  costs.Add(event, event.times.judged + nanoseconds{64});
  const auto& phases =
      costs.by_kind.at(static_cast<size_t>(FileEventKind::kOpen));
  const auto counted = [&phases](CostPhase phase, int64_t cost) {
    return phases.at(static_cast<size_t>(phase))
        .count(CostHistogram::BucketOf(cost));
  };
  EXPECT_EQ(counted(CostPhase::kQueueWait, 16), 1U);
  EXPECT_EQ(counted(CostPhase::kScan, 256), 1U);
  EXPECT_EQ(counted(CostPhase::kAnswer, 64), 1U);
  EXPECT_EQ(counted(CostPhase::kTotal, 16 + 256 + 64), 1U);
}

TEST(EventCostsTest, OfARescanOnlyTheScanCounts) {
  EventCosts costs;
  FileEvent event;
  event.kind = FileEventKind::kRescan;
  costs.Add(event, event.times.judged);
  const auto& phases =
      costs.by_kind.at(static_cast<size_t>(FileEventKind::kRescan));
  EXPECT_EQ(phases.at(static_cast<size_t>(CostPhase::kScan)).total(), 1U);
  EXPECT_EQ(phases.at(static_cast<size_t>(CostPhase::kTotal)).total(), 0U);
}

}  // namespace
}  // namespace gatehouse
