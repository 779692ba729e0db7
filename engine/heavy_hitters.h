// HeavyHitters: counts for the most frequent keys of a stream, in fixed memory.
//
// The Space-Saving algorithm of Metwally, Agrawal and El Abbadi, "Efficient
// Computation of Frequent and Top-k Elements in Data Streams" (ICDT 2005): a
// key that has no row takes that of the least frequent one and its count with
// it. After N events with m rows, whatever came more than N/m times has a row,
// and of a row at most `missed_max` <= N/m events were not seen. The rows are
// in a heap by weight; a hot key is near the leaves, so that counting it again
// moves nothing.
//
// Thread-compatible. Owns its rows; allocates at construction only. Row has a
// Clear(), Hash is called with a key and the seed: keys are of strangers, who
// must not know where they collide.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gatehouse {

template <class Key, class Row, class Hash>
class HeavyHitters {
 public:
  struct Slot {
    Key key = {};
    uint64_t weight = 0;      // Of this key, and what it took over.
    uint64_t missed_max = 0;  // What it took over.
    uint64_t life = 0;        // Another one each time the slot gets a new key.
    uint32_t heap_place = 0;
    Row row = {};
  };

  HeavyHitters(size_t rows_max, uint64_t seed)
      : seed_(seed),
        slots_(rows_max),
        places_(std::bit_ceil(rows_max * 2), kNoSlot) {
    assert(rows_max > 0 && rows_max < kNoSlot);
    heap_.reserve(rows_max);
  }

  // Adds `weight` to the row of `key`, which is made if there is none:
  // `evicted` is then called with the slot whose place it takes, if no slot is
  // free. The slot stays where it is for as long as it has this key.
  template <class Evicted>
  Slot& Add(const Key& key, uint64_t weight, Evicted evicted) {
    const size_t place = PlaceOf(key);
    if (places_[place] != kNoSlot) {
      Slot& slot = slots_[places_[place]];
      slot.weight += weight;
      SiftDown(slot.heap_place);
      return slot;
    }
    if (heap_.size() < slots_.size()) return Begin(place, key, weight);
    Slot& least = slots_[heap_.front()];
    evicted(std::as_const(least));
    return Replace(least, key, weight);
  }

  // Null if `key` has no row.
  Slot* Find(const Key& key) {
    const uint32_t index = places_[PlaceOf(key)];
    return index == kNoSlot ? nullptr : &slots_[index];
  }

  // Rows in use; slot(i) for i below it.
  size_t size() const { return heap_.size(); }
  Slot& slot(size_t index) { return slots_[index]; }
  const Slot& slot(size_t index) const { return slots_[index]; }

  void Clear() {
    for (size_t i = 0; i < heap_.size(); ++i) {
      slots_[i].row.Clear();
      slots_[i].weight = 0;
      slots_[i].missed_max = 0;
    }
    heap_.clear();
    std::fill(places_.begin(), places_.end(), kNoSlot);
  }

 private:
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  Slot& Begin(size_t place, const Key& key, uint64_t weight) {
    const auto index = static_cast<uint32_t>(heap_.size());
    Slot& slot = slots_[index];
    slot.key = key;
    slot.weight = weight;
    slot.life = ++lives_;
    slot.heap_place = index;
    places_[place] = index;
    heap_.push_back(index);
    SiftUp(index);
    return slot;
  }

  Slot& Replace(Slot& slot, const Key& key, uint64_t weight) {
    Forget(slot.key);
    const auto index = static_cast<uint32_t>(&slot - slots_.data());
    slot.row.Clear();
    slot.key = key;
    slot.missed_max = slot.weight;
    slot.weight += weight;
    slot.life = ++lives_;
    places_[PlaceOf(key)] = index;
    SiftDown(slot.heap_place);
    return slot;
  }

  size_t HomeOf(const Key& key) const {
    return static_cast<size_t>(Hash{}(key, seed_)) & (places_.size() - 1);
  }

  // Where the key is, or where it would go: linear probing, and never full.
  size_t PlaceOf(const Key& key) const {
    size_t place = HomeOf(key);
    while (places_[place] != kNoSlot && !(slots_[places_[place]].key == key)) {
      place = (place + 1) & (places_.size() - 1);
    }
    return place;
  }

  // Closes the gap, so that no search ends too early.
  void Forget(const Key& key) {
    const size_t mask = places_.size() - 1;
    size_t gap = PlaceOf(key);
    assert(places_[gap] != kNoSlot);
    for (size_t next = (gap + 1) & mask; places_[next] != kNoSlot;
         next = (next + 1) & mask) {
      const size_t home = HomeOf(slots_[places_[next]].key);
      if (((next - home) & mask) < ((next - gap) & mask)) continue;
      places_[gap] = places_[next];
      gap = next;
    }
    places_[gap] = kNoSlot;
  }

  uint64_t WeightAt(size_t heap_place) const {
    return slots_[heap_[heap_place]].weight;
  }

  void Swap(size_t a, size_t b) {
    std::swap(heap_[a], heap_[b]);
    slots_[heap_[a]].heap_place = static_cast<uint32_t>(a);
    slots_[heap_[b]].heap_place = static_cast<uint32_t>(b);
  }

  void SiftUp(size_t place) {
    while (place > 0 && WeightAt(place) < WeightAt((place - 1) / 2)) {
      Swap(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
  }

  void SiftDown(size_t place) {
    for (;;) {
      size_t least = place;
      for (const size_t child : {2 * place + 1, 2 * place + 2}) {
        if (child < heap_.size() && WeightAt(child) < WeightAt(least)) {
          least = child;
        }
      }
      if (least == place) return;
      Swap(place, least);
      place = least;
    }
  }

  const uint64_t seed_;
  uint64_t lives_ = 0;
  std::vector<Slot> slots_;
  std::vector<uint32_t> places_;  // Of a hash table: slots by key.
  std::vector<uint32_t> heap_;    // Slots; the one of the least weight first.
};

// A seeded hash of one number; splitmix64's last steps.
[[nodiscard]] constexpr uint64_t MixedHash(uint64_t value, uint64_t seed) {
  value += seed;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

}  // namespace gatehouse
