#include "engine/heavy_hitters.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <set>

namespace gatehouse {
namespace {

constexpr size_t kRows = 32;

struct Row {
  uint64_t seen = 0;
  void Clear() { seen = 0; }
};
struct Mixed {
  uint64_t operator()(int key, uint64_t seed) const {
    return MixedHash(static_cast<uint64_t>(key), seed);
  }
};
// Every key in the same place.
struct Colliding {
  uint64_t operator()(int /*key*/, uint64_t /*seed*/) const { return 7; }
};

// What everything is compared with: it forgets nothing.
struct Oracle {
  std::map<int, uint64_t> weights;
  uint64_t total = 0;
};

template <class Hash>
class Stream {
 public:
  explicit Stream(uint64_t seed) : table_(kRows, seed), random_(seed) {}

  void Add(int key, uint64_t weight) {
    auto& slot = table_.Add(key, weight, [this](const auto& evicted) {
      // Nobody is more rarely seen than who has to go.
      for (size_t i = 0; i < table_.size(); ++i) {
        EXPECT_LE(evicted.weight, table_.slot(i).weight);
      }
    });
    slot.row.seen += weight;
    oracle_.weights[key] += weight;
    oracle_.total += weight;
  }
  // Hot keys among very many others.
  void AddSkewed(int events, uint64_t weight_max) {
    std::geometric_distribution<int> hot(0.1);
    std::uniform_int_distribution<int> cold(1000, 4000);
    std::uniform_int_distribution<uint64_t> weight(1, weight_max);
    for (int i = 0; i < events; ++i) {
      Add(i % 2 == 0 ? hot(random_) : cold(random_), weight(random_));
    }
  }

  // What the header promises, against what really was.
  void ExpectTheBounds() {
    const uint64_t missed_max = oracle_.total / kRows;
    std::set<int> with_row;
    for (size_t i = 0; i < table_.size(); ++i) {
      const auto& slot = table_.slot(i);
      const uint64_t really = oracle_.weights.at(slot.key);
      EXPECT_LE(slot.row.seen, really);
      EXPECT_LE(really, slot.row.seen + slot.missed_max);
      EXPECT_LE(slot.missed_max, missed_max);
      EXPECT_EQ(slot.weight, slot.row.seen + slot.missed_max);
      EXPECT_TRUE(with_row.insert(slot.key).second) << slot.key << " is twice";
      EXPECT_EQ(table_.Find(slot.key), &slot);
    }
    for (const auto& [key, weight] : oracle_.weights) {
      const bool is_there = with_row.contains(key);
      EXPECT_TRUE(is_there || weight <= missed_max) << key;
      EXPECT_EQ(table_.Find(key) != nullptr, is_there);
    }
  }

  HeavyHitters<int, Row, Hash>& table() { return table_; }
  Oracle& oracle() { return oracle_; }

 private:
  HeavyHitters<int, Row, Hash> table_;
  Oracle oracle_;
  std::mt19937_64 random_;
};

TEST(HeavyHittersTest, IsExactWhileEveryKeyHasARow) {
  Stream<Mixed> stream(1);
  for (int i = 0; i < 1000; ++i) {
    stream.Add(i % static_cast<int>(kRows), 1);
  }
  for (size_t i = 0; i < kRows; ++i) {
    EXPECT_EQ(stream.table().slot(i).missed_max, 0U);
  }
  stream.ExpectTheBounds();
}

TEST(HeavyHittersTest, KeepsItsBoundsAgainstAnOracle) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Stream<Mixed> stream(seed);
    for (int round = 0; round < 5; ++round) {
      stream.AddSkewed(1000, 1);
      stream.ExpectTheBounds();
    }
  }
}

TEST(HeavyHittersTest, KeepsThemForWeightsOtherThanOne) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Stream<Mixed> stream(seed);
    stream.AddSkewed(3000, 50);
    stream.ExpectTheBounds();
  }
}

TEST(HeavyHittersTest, KeepsThemWhenEveryKeyCollides) {
  Stream<Colliding> stream(3);
  stream.AddSkewed(3000, 3);
  stream.ExpectTheBounds();
}

// The worst stream there is: no key comes twice in a row's life.
TEST(HeavyHittersTest, KeepsThemWhenNothingIsFrequent) {
  Stream<Mixed> stream(4);
  for (int i = 0; i < 5000; ++i) stream.Add(i % 1000, 1);
  stream.ExpectTheBounds();
}

TEST(HeavyHittersTest, GivesASlotAnotherLifeWithEachKey) {
  HeavyHitters<int, Row, Mixed> table(1, 1);
  const auto nothing = [](const auto&) {};
  const uint64_t first = table.Add(1, 1, nothing).life;
  EXPECT_EQ(table.Add(1, 1, nothing).life, first);
  const uint64_t second = table.Add(2, 1, nothing).life;
  EXPECT_NE(second, first);
  EXPECT_NE(table.Add(1, 1, nothing).life, second);
  EXPECT_EQ(table.Find(2), nullptr);
}

TEST(HeavyHittersTest, ForgetsEverythingWhenCleared) {
  Stream<Mixed> stream(5);
  stream.AddSkewed(1000, 1);
  stream.table().Clear();
  EXPECT_EQ(stream.table().size(), 0U);
  for (const auto& [key, weight] : stream.oracle().weights) {
    EXPECT_EQ(stream.table().Find(key), nullptr);
  }
  stream.oracle() = {};
  stream.AddSkewed(1000, 1);
  stream.ExpectTheBounds();
}

}  // namespace
}  // namespace gatehouse
