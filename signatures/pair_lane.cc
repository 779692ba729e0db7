#include "signatures/pair_lane.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

namespace gatehouse {
namespace {

bool IsLower(uint8_t byte) { return byte >= 'a' && byte <= 'z'; }

// Both bytes in either case, if letters are folded.
std::vector<size_t> PairsOf(const GramText& text) {
  const uint8_t first = text.bytes[text.pair_at];
  const uint8_t second = text.bytes[text.pair_at + size_t{1}];
  const size_t other_first = text.is_folded && IsLower(first) ? 0x20 : 0;
  const size_t other_second = text.is_folded && IsLower(second) ? 0x2000 : 0;
  const size_t pair = first | size_t{second} << 8;
  std::vector<size_t> pairs = {pair};
  if (other_first != 0) pairs.push_back(pair ^ other_first);
  if (other_second != 0) pairs.push_back(pair ^ other_second);
  if (other_first != 0 && other_second != 0) {
    pairs.push_back(pair ^ other_first ^ other_second);
  }
  return pairs;
}

// Roughly, of all bytes of files of all kinds.
constexpr double ShareOf(size_t byte) {
  if (byte == 0 || byte == ' ') return 0.12;
  if (byte == 0xff) return 0.02;
  if (byte >= 'a' && byte <= 'z') return 0.03;
  return byte >= ' ' && byte <= '~' ? 0.01 : 0.003;
}

constexpr std::array<double, 256> MakeShares() {
  std::array<double, 256> shares = {};
  for (size_t i = 0; i < shares.size(); ++i) shares.at(i) = ShareOf(i);
  return shares;
}

constexpr auto kShares = MakeShares();

// Pairs that share a bit of the masks: with them it lets every pair through
// that is made of their halves of bytes.
struct Group {
  // By byte of a pair, by half of it: the values that occur, a bit each.
  std::array<std::array<uint16_t, 2>, 2> values = {};
  double rate = 0.0;  // Of what it lets through, about.
};

double RateOf(const Group& group) {
  double rate = 1.0;
  for (const auto& [low, high] : group.values) {
    double share = 0.0;
    for (unsigned upper = high; upper != 0; upper &= upper - 1) {
      const auto row = static_cast<unsigned>(std::countr_zero(upper)) << 4U;
      for (unsigned lower = low; lower != 0; lower &= lower - 1) {
        share += kShares[row | static_cast<unsigned>(std::countr_zero(lower))];
      }
    }
    rate *= share;
  }
  return rate;
}

Group GroupOf(size_t pair) {
  Group group;
  for (auto& [low, high] : group.values) {
    low = static_cast<uint16_t>(1U << (pair & 15U));
    high = static_cast<uint16_t>(1U << (pair >> 4U & 15U));
    pair >>= 8U;
  }
  group.rate = RateOf(group);
  return group;
}

Group Joined(const Group& a, const Group& b) {
  Group all = a;
  for (size_t byte = 0; byte < all.values.size(); ++byte) {
    for (size_t half = 0; half < 2; ++half) {
      all.values.at(byte).at(half) = static_cast<uint16_t>(
          all.values.at(byte).at(half) | b.values.at(byte).at(half));
    }
  }
  all.rate = RateOf(all);
  return all;
}

// Joins what gets worst the least, until there are as many groups as bits.
class Grouping {
 public:
  explicit Grouping(std::vector<Group> groups) : groups_(std::move(groups)) {
    for (size_t i = 0; i < groups_.size(); ++i) partners_.push_back(BestOf(i));
  }

  void JoinTo(size_t count) {
    while (groups_.size() > count) JoinTwo();
  }
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }

 private:
  struct Partner {  // Behind the group.
    size_t index = 0;
    double worse = std::numeric_limits<double>::infinity();
  };

  double Worse(const Group& a, const Group& b) const {
    return Joined(a, b).rate - a.rate - b.rate;
  }
  Partner BestOf(size_t group) const {
    Partner best;
    for (size_t i = group + 1; i < groups_.size(); ++i) {
      const double worse = Worse(groups_[group], groups_[i]);
      if (worse < best.worse) best = {i, worse};
    }
    return best;
  }
  void JoinTwo() {
    const auto best = std::min_element(
        partners_.begin(), partners_.end(),
        [](const Partner& a, const Partner& b) { return a.worse < b.worse; });
    const auto first = static_cast<size_t>(best - partners_.begin());
    const size_t second = best->index;
    groups_[first] = Joined(groups_[first], groups_[second]);
    // The last one takes the free place.
    const size_t last = groups_.size() - 1;
    groups_[second] = groups_[last];
    groups_.pop_back();
    partners_.pop_back();
    for (size_t i = 0; i < groups_.size(); ++i) {
      const size_t index = partners_[i].index;
      const bool is_gone = index == first || index == second || index == last;
      if (i == first || i == second || is_gone) {
        partners_[i] = BestOf(i);
        continue;
      }
      for (const size_t changed : {first, second}) {
        if (changed <= i || changed >= groups_.size()) continue;
        const double worse = Worse(groups_[i], groups_[changed]);
        if (worse < partners_[i].worse) partners_[i] = {changed, worse};
      }
    }
  }

  std::vector<Group> groups_;
  std::vector<Partner> partners_;
};

double RateOf(const std::vector<Group>& groups) {
  double rate = 0.0;
  for (const Group& group : groups) rate += group.rate;
  return rate;
}

// Of the pairs in the group with this number, but for one of all pairs.
Group GroupWithout(const std::vector<Group>& pairs,
                   const std::vector<size_t>& numbers, size_t number,
                   size_t left_out) {
  Group group;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (numbers[i] == number && i != left_out) group = Joined(group, pairs[i]);
  }
  return group;
}

// Pairs are joined for good, and not all of these joins turn out well: each
// moves to the group that gets worse by it the least, as long as that helps.
constexpr int kMovesOfAllMax = 8;

std::vector<Group> Improved(const std::vector<Group>& pairs,
                            std::vector<Group> groups) {
  std::vector<size_t> numbers;
  for (const Group& pair : pairs) {
    const auto has_pair = [&pair](const Group& group) {
      return Joined(group, pair).values == group.values;
    };
    const auto own = std::find_if(groups.begin(), groups.end(), has_pair);
    numbers.push_back(static_cast<size_t>(own - groups.begin()));
  }
  for (size_t k = 0; k < groups.size(); ++k) {
    groups[k] = GroupWithout(pairs, numbers, k, pairs.size());
  }
  bool has_moved = true;
  for (int moves = 0; has_moved && moves < kMovesOfAllMax; ++moves) {
    has_moved = false;
    for (size_t i = 0; i < pairs.size(); ++i) {
      const size_t from = numbers[i];
      const Group without = GroupWithout(pairs, numbers, from, i);
      size_t to = from;
      double least = groups[from].rate - without.rate;
      for (size_t k = 0; k < groups.size(); ++k) {
        if (k == from) continue;
        const double worse = Joined(groups[k], pairs[i]).rate - groups[k].rate;
        if (worse >= least) continue;
        least = worse;
        to = k;
      }
      if (to == from) continue;
      groups[from] = without;
      groups[to] = Joined(groups[to], pairs[i]);
      numbers[i] = to;
      has_moved = true;
    }
  }
  return groups;
}

// Less than this is as well looked at one by one: a second set of masks costs
// more.
constexpr double kGroupsRateMax = 0.01;

std::vector<Group> GroupsOf(const std::vector<Group>& pairs) {
  Grouping grouping(pairs);
  grouping.JoinTo(kPairSetsMax * kPairSetGroups);
  Grouping fewer = grouping;
  fewer.JoinTo(kPairSetGroups);
  std::vector<Group> few = Improved(pairs, fewer.groups());
  if (RateOf(few) <= kGroupsRateMax) return few;
  return Improved(pairs, grouping.groups());
}

std::vector<uint8_t> MasksOf(const std::vector<uint8_t>& map) {
  std::vector<Group> groups;
  for (size_t pair = 0; pair < kPairs; ++pair) {
    if (map[pair] != 0) groups.push_back(GroupOf(pair));
  }
  if (groups.size() > kMaskedPairsMax) return {};
  groups = GroupsOf(groups);
  std::vector<uint8_t> masks(groups.size() <= kPairSetGroups
                                 ? kPairSetBytes
                                 : kPairSetsMax * kPairSetBytes);
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto bit = static_cast<uint8_t>(1U << (i % kPairSetGroups));
    uint8_t* at = masks.data() + i / kPairSetGroups * kPairSetBytes;
    for (const auto& halves : groups[i].values) {
      for (const uint16_t values : halves) {
        for (unsigned value = 0; value < kHalfValues; ++value, ++at) {
          if ((values >> value & 1) != 0) *at = static_cast<uint8_t>(*at | bit);
        }
      }
    }
  }
  return masks;
}

}  // namespace

// Pairs get buckets of their own, as long as there are any, and share them
// then.
PairLaneTables PairLaneOf(const std::vector<GramText>& texts,
                          const std::vector<uint32_t>& literals) {
  PairLaneTables lane;
  if (literals.empty()) return lane;
  lane.map.resize(kPairs);
  std::array<std::vector<ShortEntry>, kPairBuckets> buckets;
  size_t pairs = 0;
  for (const uint32_t literal : literals) {
    const ShortEntry entry{literal << 10 | texts[literal].pair_at};
    for (const size_t pair : PairsOf(texts[literal])) {
      uint8_t& bucket = lane.map[pair];
      if (bucket == 0) {
        bucket = static_cast<uint8_t>(1 + pairs++ % (kPairBuckets - 1));
      }
      auto& entries = buckets.at(bucket);
      if (entries.empty() || entries.back().bits != entry.bits) {
        entries.push_back(entry);
      }
    }
  }
  for (const std::vector<ShortEntry>& entries : buckets) {
    lane.buckets.push_back(static_cast<uint32_t>(lane.entries.size()));
    lane.entries.insert(lane.entries.end(), entries.begin(), entries.end());
  }
  lane.buckets.push_back(static_cast<uint32_t>(lane.entries.size()));
  lane.masks = MasksOf(lane.map);
  return lane;
}

}  // namespace gatehouse
