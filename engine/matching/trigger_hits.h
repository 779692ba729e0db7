// TriggerHits: which triggers were seen in one layer, and where.
//
// Thread-compatible. Of bounded size: of a trigger that is everywhere only the
// first places are kept. Reused from layer to layer.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace gatehouse {

class TriggerHits {
 public:
  static constexpr size_t kPlacesMax = 8;  // Of one trigger.

  struct Hit {
    uint32_t trigger = 0;
    uint32_t count = 0;  // Of places; more were seen if it is all_places not.
    bool knows_all_places = true;
    std::array<uint64_t, kPlacesMax> ends = {};
  };

  // Room for the triggers of any shard: what Add gets is smaller.
  explicit TriggerHits(size_t triggers_max) : slots_(triggers_max) {}

  // Never throws beyond memory: Hyperscan, which is C, calls it through us.
  void Add(uint32_t trigger, uint64_t end) {
    Hit& hit = HitOf(trigger);
    if (hit.count < kPlacesMax) {
      hit.ends[hit.count++] = end;
    } else {
      hit.knows_all_places = false;
    }
  }
  // It was seen, somewhere.
  void AddSomewhere(uint32_t trigger) {
    HitOf(trigger).knows_all_places = false;
  }

  void Clear() {
    for (const Hit& hit : hits_) slots_[hit.trigger] = 0;
    hits_.clear();
  }
  [[nodiscard]] std::span<const Hit> hits() const { return hits_; }

 private:
  Hit& HitOf(uint32_t trigger) {
    uint32_t& slot = slots_[trigger];
    if (slot == 0) {
      Hit hit;
      hit.trigger = trigger;
      hits_.push_back(hit);
      slot = static_cast<uint32_t>(hits_.size());
    }
    return hits_[slot - 1];
  }

  std::vector<uint32_t> slots_;  // By trigger: its place in hits_, from 1.
  std::vector<Hit> hits_;
};

}  // namespace gatehouse
