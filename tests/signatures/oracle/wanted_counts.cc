#include "tests/signatures/oracle/wanted_counts.h"

#include <algorithm>
#include <numeric>

namespace gatehouse::oracle {
namespace {

constexpr size_t kCandidatesMax = 48;

uint64_t Total(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

void Members(const Logic& logic, std::set<uint64_t>& members) {
  if (logic.kind == LogicKind::kIndex) members.insert(logic.index);
  for (const Logic& side : logic.sides) Members(side, members);
}

// What a count may be, best first.
std::vector<uint64_t> AllowedCounts(const CountRule& rule, uint64_t at_least) {
  if (rule.comparison == '=') return {rule.count};
  if (rule.comparison == '>') return {std::max(rule.count + 1, at_least)};
  std::vector<uint64_t> allowed = {std::min(at_least, rule.count)};
  if (rule.count > 0) allowed.push_back(rule.count - 1);
  return allowed;
}

class CountFinder {
 public:
  explicit CountFinder(size_t size) : size_(size) {}

  std::vector<Counts> Find(const Logic& logic) const {
    if (logic.kind == LogicKind::kIndex) return FindIndex(logic);
    std::vector<Counts> found = FindSides(logic);
    if (logic.rule) found = Raise(logic, found);
    return Kept(logic, std::move(found));
  }

 private:
  std::vector<Counts> FindIndex(const Logic& logic) const {
    std::vector<uint64_t> allowed = {1};
    if (logic.rule) allowed = AllowedCounts(*logic.rule, 0);
    std::vector<Counts> found;
    for (const uint64_t count : allowed) {
      found.emplace_back(size_, 0);
      found.back()[logic.index] = count;
    }
    return found;
  }

  std::vector<Counts> FindSides(const Logic& logic) const {
    const std::vector<Counts> left = Find(logic.sides[0]);
    const std::vector<Counts> right = Find(logic.sides[1]);
    std::vector<Counts> found;
    if (logic.kind == LogicKind::kOr) {
      found = left;
      found.insert(found.end(), right.begin(), right.end());
    }
    for (const Counts& one : left) {
      for (const Counts& other : right) {
        Counts both = one;
        for (size_t index = 0; index < size_; ++index) {
          both[index] = std::max(both[index], other[index]);
        }
        found.push_back(std::move(both));
      }
    }
    return found;
  }

  // Adds occurrences until the rule of a group holds.
  std::vector<Counts> Raise(const Logic& logic,
                            std::vector<Counts> found) const {
    std::set<uint64_t> members;
    Members(logic, members);
    found.emplace_back(size_, 0);
    Counts spread(size_, 0);
    for (const uint64_t member : members) {
      spread[member] = 1;
      found.push_back(spread);
    }
    std::vector<Counts> raised;
    const uint64_t different = logic.rule->different_min.value_or(0);
    for (const Counts& base : found) {
      for (const uint64_t wanted : AllowedCounts(*logic.rule, different)) {
        for (const uint64_t member : members) {
          Counts more = base;
          const uint64_t total = Total(base);
          more[member] += wanted > total ? wanted - total : 0;
          raised.push_back(std::move(more));
        }
      }
    }
    return raised;
  }

  std::vector<Counts> Kept(const Logic& logic,
                           std::vector<Counts> found) const {
    std::erase_if(found, [&](const Counts& counts) {
      return !Evaluate(logic, counts).holds;
    });
    std::stable_sort(found.begin(), found.end(),
                     [](const Counts& one, const Counts& other) {
                       return Total(one) < Total(other);
                     });
    found.erase(std::unique(found.begin(), found.end()), found.end());
    if (found.size() > kCandidatesMax) found.resize(kCandidatesMax);
    return found;
  }

  size_t size_ = 0;
};

}  // namespace

std::vector<Counts> WantedCounts(const Logic& logic, size_t size) {
  std::vector<Counts> found = CountFinder(size).Find(logic);
  std::erase_if(found, [&](const Counts& counts) {
    return !Evaluate(logic, counts).holds;
  });
  return found;
}

}  // namespace gatehouse::oracle
