#include "es_adapter/circuit_breaker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace gatehouse {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr nanoseconds kBudget = 4s;

class CircuitBreakerTest : public testing::Test {
 protected:
  CircuitBreakerTest() { Observe(0); }

  void Observe(uint64_t fresh_misses, nanoseconds longest_wait = {}) {
    misses_ += fresh_misses;
    breaker_.Observe({misses_, longest_wait}, now_);
  }
  // Calm until `time` has passed, looking twice a second.
  void Pass(nanoseconds time) {
    const MonotonicTime end = now_ + time;
    while (now_ + 500ms < end) {
      now_ += 500ms;
      Observe(0);
    }
    now_ = end;
    Observe(0);
  }
  void Trip() {
    Observe(CircuitBreaker::kMissesMax);
    ASSERT_TRUE(breaker_.is_open());
  }

  CircuitBreaker breaker_{kBudget};
  uint64_t misses_ = 0;
  MonotonicTime now_{1000s};
};

TEST_F(CircuitBreakerTest, OpensAtAsManyMissesAsTheTableSays) {
  struct Row {
    const char* what;
    std::vector<uint64_t> misses;  // One entry per step.
    nanoseconds step;
    bool is_open;
  };
  const std::vector<Row> table = {
      {"none", {0, 0, 0}, 500ms, false},
      {"19 at once", {19}, 500ms, false},
      {"20 at once", {20}, 500ms, true},
      {"more than the ring holds", {1000}, 500ms, true},
      {"19, and then one", {19, 0, 1}, 500ms, true},
      {"20 over 57 s",
       {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
       3s,
       true},
      {"20 over 60 s", {19, 1}, 60s, true},
      {"20 over more than 60 s", {19, 1}, 60'001ms, false},
      {"some each minute, for ever",
       {19, 19, 19, 19, 19, 19, 19, 19},
       61s,
       false},
      {"too many in two minutes", {10, 15, 10}, 40s, true},
  };
  for (const Row& row : table) {
    CircuitBreaker breaker(kBudget);
    MonotonicTime now{5s};
    uint64_t misses = 7;  // Of an earlier worker.
    breaker.Observe({misses, {}}, now);
    for (const uint64_t fresh : row.misses) {
      misses += fresh;
      now += row.step;
      breaker.Observe({misses, {}}, now);
    }
    EXPECT_EQ(breaker.is_open(), row.is_open) << row.what;
    EXPECT_EQ(breaker.cause(),
              row.is_open ? BreakerCause::kMisses : BreakerCause::kNone)
        << row.what;
  }
}

TEST_F(CircuitBreakerTest, TheFirstObservationIsNoMiss) {
  CircuitBreaker breaker(kBudget);
  breaker.Observe({1'000'000, {}}, now_);
  EXPECT_FALSE(breaker.is_open());
}

TEST_F(CircuitBreakerTest, OpensWhenSomebodyWaitsTooLongForTooLong) {
  struct Row {
    const char* what;
    nanoseconds wait;
    int steps;  // Of half a second, after the first one.
    bool is_open;
  };
  const std::vector<Row> table = {
      {"within the budget", kBudget, 100, false},
      {"above it, for 9.5 s", kBudget + 1ms, 19, false},
      {"above it, for 10 s", kBudget + 1ms, 20, true},
  };
  for (const Row& row : table) {
    CircuitBreaker breaker(kBudget);
    MonotonicTime now = now_;
    breaker.Observe({0, row.wait}, now);
    for (int i = 0; i < row.steps; ++i) {
      now += 500ms;
      breaker.Observe({0, row.wait}, now);
    }
    EXPECT_EQ(breaker.is_open(), row.is_open) << row.what;
    if (row.is_open) {
      EXPECT_EQ(breaker.cause(), BreakerCause::kWait);
    }
  }
}

TEST_F(CircuitBreakerTest, AnAnswerInBetweenBeginsThePatienceAnew) {
  for (int i = 0; i < 100; ++i) {
    Observe(0, i % 20 == 19 ? 0s : 5s);
    now_ += 500ms;
  }
  EXPECT_FALSE(breaker_.is_open());
}

TEST_F(CircuitBreakerTest, ClosesAfterAMinuteOfCalm) {
  Trip();
  EXPECT_EQ(breaker_.CalmLeft(now_), 60s);
  Pass(59'999ms);
  EXPECT_TRUE(breaker_.is_open());
  EXPECT_EQ(breaker_.CalmLeft(now_), 1ms);
  Pass(1ms);
  EXPECT_FALSE(breaker_.is_open());
  EXPECT_EQ(breaker_.CalmLeft(now_), 0s);
}

TEST_F(CircuitBreakerTest, AMissOrAWaitIsNoCalm) {
  Trip();
  Pass(50s);
  Observe(1);
  Pass(50s);
  Observe(0, 5s);
  Pass(59s);
  EXPECT_TRUE(breaker_.is_open());
  Pass(1s);
  EXPECT_FALSE(breaker_.is_open());
}

TEST_F(CircuitBreakerTest, TheCalmDoublesEachTimeInARowUpToABound) {
  for (const int minutes : {1, 2, 4, 8, 16, 32, 32, 32}) {
    Trip();
    EXPECT_EQ(breaker_.calm(), seconds(60 * minutes));
    Pass(seconds(60 * minutes) - 1ms);
    EXPECT_TRUE(breaker_.is_open());
    Pass(1ms);
    ASSERT_FALSE(breaker_.is_open());
    Pass(10s);
  }
}

TEST_F(CircuitBreakerTest, WhatStayedClosedLongEnoughIsForgiven) {
  Trip();
  Pass(60s);
  Pass(119s);
  Trip();
  EXPECT_EQ(breaker_.calm(), 120s);
  Pass(120s);
  Pass(240s);
  Trip();
  EXPECT_EQ(breaker_.calm(), 60s);
}

TEST_F(CircuitBreakerTest, MissesWhileItIsOpenDoNotOpenItAgain) {
  Trip();
  Observe(19);
  Pass(60s);
  ASSERT_FALSE(breaker_.is_open());
  Observe(1);
  EXPECT_FALSE(breaker_.is_open());
}

TEST_F(CircuitBreakerTest, ASuccessorGoesOnWithWhatItFinds) {
  CircuitBreaker successor(kBudget);
  successor.Resume(BreakerCause::kWait, 2, now_);
  EXPECT_TRUE(successor.is_open());
  EXPECT_EQ(successor.cause(), BreakerCause::kWait);
  EXPECT_EQ(successor.CalmLeft(now_), 240s);
  successor.Observe({1'000, {}}, now_ + 240s);
  EXPECT_FALSE(successor.is_open());
}

}  // namespace
}  // namespace gatehouse
