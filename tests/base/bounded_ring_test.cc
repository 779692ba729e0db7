#include "base/bounded_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tests/engine/tally.h"

namespace gatehouse {
namespace {

using testing::Each;
using testing::Pointee;

// How many of them exist with a value in them.
class Counted {
 public:
  Counted() = default;
  explicit Counted(int& live) : live_(&live) { ++*live_; }
  Counted(Counted&& other) noexcept
      : live_(std::exchange(other.live_, nullptr)) {}
  Counted& operator=(Counted&& other) noexcept {
    if (this != &other) {
      Drop();
      live_ = std::exchange(other.live_, nullptr);
    }
    return *this;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { Drop(); }

 private:
  void Drop() {
    if (live_ != nullptr) --*live_;
    live_ = nullptr;
  }
  int* live_ = nullptr;
};

size_t PushUntilFull(BoundedRing<int>& ring) {
  int element = 0;
  while (ring.TryPush(element)) ++element;
  return static_cast<size_t>(element);
}

TEST(BoundedRingTest, HoldsItsCapacityRoundedUpToAPowerOfTwo) {
  for (const auto& [asked, held] : std::vector<std::pair<size_t, size_t>>{
           {2, 2}, {3, 4}, {4, 4}, {5, 8}, {1000, 1024}}) {
    BoundedRing<int> ring(asked);
    EXPECT_EQ(ring.capacity(), held);
    EXPECT_EQ(PushUntilFull(ring), held) << asked;
    EXPECT_EQ(ring.size(), held);
  }
}

TEST(BoundedRingTest, IsEmptyAtFirstAndAfterTheLastElement) {
  BoundedRing<int> ring(2);
  EXPECT_EQ(ring.TryPop(), std::nullopt);
  int element = 7;
  ASSERT_TRUE(ring.TryPush(element));
  EXPECT_EQ(ring.size(), 1U);
  EXPECT_EQ(ring.TryPop(), 7);
  EXPECT_EQ(ring.TryPop(), std::nullopt);
  EXPECT_EQ(ring.size(), 0U);
}

TEST(BoundedRingTest, KeepsTheOrderAroundItsEnd) {
  BoundedRing<int> ring(4);
  int next = 0;
  for (int round = 0; round < 100; ++round) {
    int first = 2 * round;
    int second = 2 * round + 1;
    ASSERT_TRUE(ring.TryPush(first));
    ASSERT_TRUE(ring.TryPush(second));
    ASSERT_EQ(ring.TryPop(), next++);
    ASSERT_EQ(ring.TryPop(), next++);
  }
}

TEST(BoundedRingTest, LeavesTheElementToTheCallerWhenItIsFull) {
  BoundedRing<std::unique_ptr<int>> ring(2);
  for (int i = 0; i < 2; ++i) {
    auto element = std::make_unique<int>(i);
    ASSERT_TRUE(ring.TryPush(element));
    EXPECT_EQ(element, nullptr);
  }
  auto third = std::make_unique<int>(2);
  EXPECT_FALSE(ring.TryPush(third));
  EXPECT_THAT(third, Pointee(2));
}

TEST(BoundedRingTest, KeepsNothingOfWhatWasTaken) {
  int live = 0;
  BoundedRing<Counted> ring(2);
  Counted element(live);
  ASSERT_TRUE(ring.TryPush(element));
  EXPECT_EQ(live, 1);
  (void)ring.TryPop();
  EXPECT_EQ(live, 0);
}

TEST(BoundedRingTest, DestroysWhatIsLeftInIt) {
  int live = 0;
  {
    BoundedRing<Counted> ring(4);
    for (int i = 0; i < 3; ++i) {
      Counted element(live);
      ASSERT_TRUE(ring.TryPush(element));
    }
    EXPECT_EQ(live, 3);
  }
  EXPECT_EQ(live, 0);
}

constexpr uint32_t kThreads = 4;  // Of each kind.
constexpr uint32_t kElementsEach = 2000;
constexpr uint32_t kElements = kThreads * kElementsEach;

// What one consumer saw: which producers' elements came out of order.
struct Disorder {
  std::vector<uint32_t> next_of_producer = std::vector<uint32_t>(kThreads);
  uint32_t count = 0;
  void Add(uint32_t element) {
    uint32_t& next = next_of_producer.at(element / kElementsEach);
    if (element % kElementsEach < next) ++count;
    next = element % kElementsEach + 1;
  }
};

void Produce(BoundedRing<uint32_t>& ring, uint32_t producer) {
  for (uint32_t i = 0; i < kElementsEach; ++i) {
    uint32_t element = producer * kElementsEach + i;
    while (!ring.TryPush(element)) std::this_thread::yield();
  }
}

// Takes until all are taken; returns what came out of order.
uint32_t Consume(BoundedRing<uint32_t>& ring, Tally& taken,
                 std::atomic<uint32_t>& taken_count) {
  Disorder disorder;
  while (taken_count.load() < kElements) {
    const std::optional<uint32_t> element = ring.TryPop();
    if (element) {
      taken.Add(*element);
      taken_count.fetch_add(1);
      disorder.Add(*element);
    } else {
      std::this_thread::yield();
    }
  }
  return disorder.count;
}

TEST(BoundedRingTest, LosesAndDoublesNothingBetweenManyThreads) {
  BoundedRing<uint32_t> ring(64);
  Tally taken(kElements);
  std::atomic<uint32_t> taken_count{0};
  std::atomic<uint32_t> disorder_count{0};
  std::vector<std::jthread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&ring, i] { Produce(ring, i); });
    threads.emplace_back(
        [&] { disorder_count.fetch_add(Consume(ring, taken, taken_count)); });
  }
  threads.clear();  // Joins.
  EXPECT_THAT(taken.Counts(), Each(1U));
  EXPECT_EQ(disorder_count.load(), 0U);
  EXPECT_EQ(ring.size(), 0U);
}

}  // namespace
}  // namespace gatehouse
