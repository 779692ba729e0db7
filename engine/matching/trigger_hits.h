// TriggerHits: which triggers were seen in one layer, and where.
//
// Thread-compatible. Of bounded size: of a trigger that is everywhere only the
// first places are kept. Reused from layer to layer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gatehouse {

class TriggerHits {
 public:
  static constexpr uint32_t kPlacesMax = 2048;  // Of one trigger.
  static constexpr size_t kPlacesOfAllMax = size_t{1} << 18;

  struct Hit {
    uint32_t trigger = 0;
    uint32_t first = 0;  // Of its places, after Finish.
    uint32_t count = 0;
    bool knows_all_places = true;
  };

  // Room for the triggers of any shard: what Add gets is smaller.
  explicit TriggerHits(size_t triggers_max) : slots_(triggers_max) {}

  // `end` is behind its last byte. Never throws beyond memory: Hyperscan, which
  // is C, calls it through us.
  void Add(uint32_t trigger, uint64_t end) {
    const uint32_t index = IndexOf(trigger);
    Hit& hit = hits_[index];
    if (hit.count == kPlacesMax || seen_.size() == kPlacesOfAllMax) {
      hit.knows_all_places = false;
      return;
    }
    ++hit.count;
    seen_.push_back({end, index});
  }
  // It was seen, somewhere.
  void AddSomewhere(uint32_t trigger) {
    hits_[IndexOf(trigger)].knows_all_places = false;
  }

  // Sorts the places by trigger. Nothing may be added any more.
  void Finish() {
    uint32_t first = 0;
    for (Hit& hit : hits_) {
      hit.first = first;
      first += hit.count;
      hit.count = 0;
    }
    ends_.resize(seen_.size());
    for (const Seen& one : seen_) {
      Hit& hit = hits_[one.index];
      ends_[hit.first + hit.count++] = one.end;
    }
    for (const Hit& hit : hits_) {
      const std::span<uint64_t> ends =
          std::span(ends_).subspan(hit.first, hit.count);
      if (!std::is_sorted(ends.begin(), ends.end())) {
        std::sort(ends.begin(), ends.end());
      }
    }
  }

  void Clear() {
    for (const Hit& hit : hits_) slots_[hit.trigger] = 0;
    hits_.clear();
    seen_.clear();
  }
  [[nodiscard]] std::span<const Hit> hits() const { return hits_; }
  // In order. After Finish.
  [[nodiscard]] std::span<const uint64_t> EndsOf(const Hit& hit) const {
    return std::span(ends_).subspan(hit.first, hit.count);
  }

 private:
  struct Seen {
    uint64_t end = 0;
    uint32_t index = 0;  // In hits_.
  };

  uint32_t IndexOf(uint32_t trigger) {
    uint32_t& slot = slots_[trigger];
    if (slot == 0) {
      hits_.push_back({trigger, 0, 0, true});
      slot = static_cast<uint32_t>(hits_.size());
    }
    return slot - 1;
  }

  std::vector<uint32_t> slots_;  // By trigger: its place in hits_, from 1.
  std::vector<Hit> hits_;
  std::vector<Seen> seen_;
  std::vector<uint64_t> ends_;
};

}  // namespace gatehouse
