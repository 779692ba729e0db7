// PidCount: how many different processes there were, in fixed memory: exact for
// a few, an estimate beyond them by linear counting (Whang, Vander-Zanden,
// Taylor: "A Linear-Time Probabilistic Counting Algorithm", 1990).
//
// Thread-compatible plain value.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace gatehouse {

class PidCount {
 public:
  static constexpr size_t kExactMax = 7;
  static constexpr uint64_t kEstimateMax = 64 * 5;

  // `hash` is that of the pid.
  void Add(int32_t pid, uint64_t hash) {
    bits_ |= uint64_t{1} << hash % kBits;
    Remember(pid);
  }
  void Add(const PidCount& other) {
    bits_ |= other.bits_;
    for (size_t i = 0; i < other.size_; ++i) Remember(other.pids_[i]);
    is_full_ = is_full_ || other.is_full_;
  }

  uint64_t estimate() const {
    if (!is_full_) return size_;
    const int ones = std::popcount(bits_);
    if (ones == kBits) return kEstimateMax;  // More than it can tell.
    const double zero_share = (kBits - ones) / double{kBits};
    const auto estimate =
        static_cast<uint64_t>(std::lround(-kBits * std::log(zero_share)));
    return std::max<uint64_t>(estimate, kExactMax + 1);
  }

 private:
  static constexpr int kBits = 64;

  void Remember(int32_t pid) {
    const auto end = pids_.begin() + size_;
    if (std::find(pids_.begin(), end, pid) != end) return;
    if (size_ == kExactMax) {
      is_full_ = true;
    } else {
      pids_[size_++] = pid;
    }
  }

  uint64_t bits_ = 0;
  std::array<int32_t, kExactMax> pids_ = {};
  uint8_t size_ = 0;
  bool is_full_ = false;
};

}  // namespace gatehouse
