// Tally: how often each of the numbers 0 to n - 1 came up.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gatehouse {

class Tally {
 public:
  explicit Tally(size_t numbers) : counts_(numbers) {}

  void Add(size_t number) { counts_.at(number).fetch_add(1); }
  // A snapshot.
  std::vector<uint32_t> Counts() const {
    return {counts_.begin(), counts_.end()};
  }

 private:
  std::vector<std::atomic<uint32_t>> counts_;
};

}  // namespace gatehouse
