#include "signatures/pair_groups.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <utility>

namespace gatehouse {
namespace {

constexpr size_t kBytes = 256;
constexpr uint16_t kAnyHalf = 0xffff;

bool IsLower(uint8_t byte) { return byte >= 'a' && byte <= 'z'; }

using Halves = std::array<uint16_t, 2>;

bool IsAny(const Halves& halves) {
  return halves[0] == kAnyHalf && halves[1] == kAnyHalf;
}

// The bytes with such halves.
struct Members {
  explicit Members(const Halves& halves) {
    for (unsigned upper = halves[1]; upper != 0; upper &= upper - 1) {
      const auto row = static_cast<unsigned>(std::countr_zero(upper)) << 4U;
      for (unsigned lower = halves[0]; lower != 0; lower &= lower - 1) {
        const auto column = static_cast<unsigned>(std::countr_zero(lower));
        bytes.at(count++) = static_cast<uint8_t>(row | column);
      }
    }
  }
  [[nodiscard]] const uint8_t* begin() const { return bytes.data(); }
  [[nodiscard]] const uint8_t* end() const { return bytes.data() + count; }

  std::array<uint8_t, kBytes> bytes;  // The first `count` of them are set.
  size_t count = 0;
};

// How often groups let content pass: as if each byte depended only on the one
// before it.
class Chain {
 public:
  explicit Chain(PairRates rates)
      : before_(kBytes * kBytes), behind_(kBytes * kBytes) {
    assert(rates.empty() || rates.size() == before_.size());
    for (size_t first = 0; first < kBytes; ++first) {
      for (size_t second = 0; second < kBytes; ++second) {
        const float rate = rates.empty() ? 1.0F / (kBytes * kBytes)
                                         : rates[first * kBytes + second];
        before_[second * kBytes + first] = rate;
        behind_[first * kBytes + second] = rate;
        singles_.at(first) += double{rate};
      }
    }
  }

  [[nodiscard]] double RateOf(const PairGroup::Values& values) const {
    const Members first(values[0]);
    const Members second(values[1]);
    const bool is_third_any = IsAny(values[2]);
    const Members third(is_third_any ? Halves{} : values[2]);
    double rate = 0.0;
    for (const size_t amid : second) {
      const double before = SumOf(before_, amid, first);
      const double behind =
          is_third_any ? singles_.at(amid) : SumOf(behind_, amid, third);
      rate += before * behind / singles_.at(amid);
    }
    return rate;
  }

 private:
  static double SumOf(const std::vector<float>& rates, size_t amid,
                      const Members& members) {
    const float* const row = rates.data() + amid * kBytes;
    float sum = 0.0F;
    for (const uint8_t byte : members) sum += row[byte];
    return double{sum};
  }

  // Of pairs, by the byte in the middle, then the one before or behind it.
  std::vector<float> before_;
  std::vector<float> behind_;
  std::array<double, kBytes> singles_ = {};
};

PairGroup Joined(const PairGroup& a, const PairGroup& b, const Chain& chain) {
  PairGroup all;
  for (size_t byte = 0; byte < all.values.size(); ++byte) {
    for (size_t half = 0; half < 2; ++half) {
      all.values.at(byte).at(half) = static_cast<uint16_t>(
          a.values.at(byte).at(half) | b.values.at(byte).at(half));
    }
  }
  all.rate = chain.RateOf(all.values);
  return all;
}

double RateOf(const std::vector<PairGroup>& groups) {
  double rate = 0.0;
  for (const PairGroup& group : groups) rate += group.rate;
  return rate;
}

// Of one literal, looked at from a place on.
PairGroup GroupOf(const GramText& text, size_t place, size_t masked_bytes,
                  const Chain& chain) {
  PairGroup group;
  for (size_t i = 0; i < kMaskedBytesMax; ++i) {
    auto& [low, high] = group.values.at(i);
    if (i >= masked_bytes || place + i >= text.bytes.size()) {
      low = kAnyHalf;
      high = kAnyHalf;
      continue;
    }
    const uint8_t byte = text.bytes[place + i];
    low = static_cast<uint16_t>(1U << (byte & 15U));
    high = static_cast<uint16_t>(1U << (byte >> 4U));
    // Upper case has the same lower half.
    if (text.is_folded && IsLower(byte)) {
      high = static_cast<uint16_t>(high | high >> 2U);
    }
  }
  group.rate = chain.RateOf(group.values);
  return group;
}

// Joins what gets worst the least.
class Joining {
 public:
  Joining(std::vector<PairGroup> groups, const Chain& chain)
      : chain_(&chain), groups_(std::move(groups)) {
    for (size_t i = 0; i < groups_.size(); ++i) partners_.push_back(BestOf(i));
  }

  void JoinTo(size_t count) {
    while (groups_.size() > count) JoinTwo();
  }
  [[nodiscard]] const std::vector<PairGroup>& groups() const { return groups_; }

 private:
  struct Partner {  // Behind the group.
    size_t index = 0;
    double worse = std::numeric_limits<double>::infinity();
  };

  double Worse(const PairGroup& a, const PairGroup& b) const {
    return Joined(a, b, *chain_).rate - a.rate - b.rate;
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
    groups_[first] = Joined(groups_[first], groups_[second], *chain_);
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

  const Chain* chain_;
  std::vector<PairGroup> groups_;
  std::vector<Partner> partners_;
};

// Groups are joined for good, and not all of these joins turn out well: each
// literal moves to the group that gets worse by it the least, as long as that
// helps.
constexpr int kMovesOfAllMax = 8;

class Moving {
 public:
  // Each literal is in one of the groups.
  Moving(const std::vector<PairGroup>& literals, std::vector<PairGroup> groups,
         const Chain& chain)
      : literals_(literals), chain_(chain), groups_(std::move(groups)) {
    for (const PairGroup& literal : literals_) {
      const auto own = std::find_if(
          groups_.begin(), groups_.end(), [&](const PairGroup& group) {
            return Joined(group, literal, chain_).values == group.values;
          });
      numbers_.push_back(static_cast<size_t>(own - groups_.begin()));
    }
    for (size_t k = 0; k < groups_.size(); ++k) {
      groups_[k] = GroupWithout(k, literals_.size());
    }
  }

  std::vector<PairGroup> Groups() {
    bool has_moved = true;
    for (int moves = 0; has_moved && moves < kMovesOfAllMax; ++moves) {
      has_moved = false;
      for (size_t i = 0; i < literals_.size(); ++i) {
        has_moved = Move(i) || has_moved;
      }
    }
    return groups_;
  }

 private:
  // The group with this number, but for one of the literals.
  PairGroup GroupWithout(size_t number, size_t left_out) const {
    PairGroup group;
    for (size_t i = 0; i < literals_.size(); ++i) {
      if (numbers_[i] != number || i == left_out) continue;
      for (size_t byte = 0; byte < group.values.size(); ++byte) {
        for (size_t half = 0; half < 2; ++half) {
          uint16_t& values = group.values.at(byte).at(half);
          values = static_cast<uint16_t>(values |
                                         literals_[i].values.at(byte).at(half));
        }
      }
    }
    group.rate = chain_.RateOf(group.values);
    return group;
  }

  // False: it stays.
  bool Move(size_t literal) {
    const size_t from = numbers_[literal];
    const PairGroup without = GroupWithout(from, literal);
    size_t to = from;
    double least = groups_[from].rate - without.rate;
    for (size_t k = 0; k < groups_.size(); ++k) {
      if (k == from) continue;
      const double worse =
          Joined(groups_[k], literals_[literal], chain_).rate - groups_[k].rate;
      if (worse >= least) continue;
      least = worse;
      to = k;
    }
    if (to == from) return false;
    groups_[from] = without;
    groups_[to] = Joined(groups_[to], literals_[literal], chain_);
    numbers_[literal] = to;
    return true;
  }

  const std::vector<PairGroup>& literals_;
  const Chain& chain_;
  std::vector<PairGroup> groups_;
  std::vector<size_t> numbers_;  // Of groups, by literal.
};

// What masks cost, as measured: ns per byte, more than one set of two bytes
// does, and per place that passes.
double CostOf(size_t masked_bytes, const std::vector<PairGroup>& groups) {
  constexpr double kThirdByte = 0.03;
  constexpr double kSecondSet = 0.035;
  constexpr double kPass = 8.0;
  double cost = kPass * RateOf(groups);
  if (masked_bytes > 2) cost += kThirdByte;
  if (groups.size() > kPairSetGroups) cost += kSecondSet;
  return cost;
}

// Literals, each looked at from its best place on.
struct Looked {
  std::vector<PairGroup> different;
  std::vector<uint8_t> places;  // By literal.
};

// What passes is found in the table of pairs, if that has it: rare pairs are
// good as well.
constexpr double kPairWeight = 0.3;

Looked LookAt(const std::vector<GramText>& texts,
              const std::vector<uint32_t>& literals, size_t masked_bytes,
              const Chain& chain) {
  Looked looked;
  for (const uint32_t literal : literals) {
    const GramText& text = texts[literal];
    PairGroup best;
    double least = std::numeric_limits<double>::infinity();
    uint8_t place = 0;
    for (uint8_t i = 0; i + size_t{2} <= text.bytes.size(); ++i) {
      const PairGroup group = GroupOf(text, i, masked_bytes, chain);
      const PairGroup pair = GroupOf(text, i, 2, chain);
      const double cost = group.rate + kPairWeight * pair.rate;
      if (cost >= least) continue;
      least = cost;
      best = group;
      place = i;
    }
    looked.places.push_back(place);
    const bool is_known = std::any_of(
        looked.different.begin(), looked.different.end(),
        [&best](const PairGroup& one) { return one.values == best.values; });
    if (!is_known && looked.different.size() <= kMaskedLiteralsMax) {
      looked.different.push_back(best);
    }
  }
  return looked;
}

}  // namespace

PairGroups GroupPairs(const std::vector<GramText>& texts,
                      const std::vector<uint32_t>& literals, PairRates rates) {
  const Chain chain(rates);
  PairGroups best;
  Looked best_looked;
  double least = std::numeric_limits<double>::infinity();
  for (size_t bytes = kPairLiteralBytesMin; bytes <= kMaskedBytesMax; ++bytes) {
    const Looked looked = LookAt(texts, literals, bytes, chain);
    if (looked.different.size() > kMaskedLiteralsMax) {
      return {bytes, {}, looked.places};
    }
    Joining joining(looked.different, chain);
    for (size_t sets = kPairSetsMax; sets != 0; --sets) {
      joining.JoinTo(sets * kPairSetGroups);
      const double cost = CostOf(bytes, joining.groups());
      if (cost >= least) continue;
      least = cost;
      best = {bytes, joining.groups(), looked.places};
      best_looked = looked;
    }
  }
  best.groups = Moving(best_looked.different, best.groups, chain).Groups();
  return best;
}

}  // namespace gatehouse
