#include "engine/verdict_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <utility>

#include "base/cache_line.h"
#include "base/writer_probe.h"

namespace gatehouse {

// Why an entry can be believed. A scan reads the file between two moments at
// which nobody could write it (the lease probe), and nobody opened it for
// writing in between (no Touch: the kernel holds every such open until the
// source of events has reported it here). So what was read is what the file
// holds at the second moment. From then on every open for writing is a Touch
// again, which makes the entry void, whatever the writer does to the times of
// the file; and what changes a file without an open (truncate(2)) changes its
// state, because the entry was not made while the clock of the file system
// stood still (is_settled).
//
// Touches are counted per hash of the file, not per file, so that a touch costs
// one atomic addition and needs no entry: files that share a counter make each
// other void for nothing, one in 65,536 of them.

struct VerdictCache::Entry {
  FileState state;
  uint64_t touches = 0;
  uint64_t epoch = 0;      // 0: none.
  uint64_t last_used = 0;  // Of the set's clock.
  bool is_write_protected = false;
};

struct alignas(kCacheLineBytes) VerdictCache::Set {
  // 1 while a thread is in here: nobody waits for it.
  std::atomic<uint32_t> taken{0};
  uint64_t clock = 0;
  std::array<Entry, kWays> entries;

  // Acquire pairs with the release in Leave.
  bool TryEnter() { return taken.exchange(1, std::memory_order_acquire) == 0; }
  void Leave() { taken.store(0, std::memory_order_release); }
};

namespace {

uint64_t HashOf(const FileState& state) {
  // Odd constant of the golden ratio: neighbouring inodes go far apart.
  constexpr uint64_t kMix = 0x9E3779B97F4A7C15U;
  uint64_t hash = state.device * kMix;
  hash = (hash ^ (hash >> 32U) ^ state.inode) * kMix;
  return hash ^ (hash >> 29U);
}

bool IsSameFile(const FileState& a, const FileState& b) {
  return a.device == b.device && a.inode == b.inode;
}

}  // namespace

VerdictCache::VerdictCache(VerdictCacheStatistics& statistics,
                           size_t entries_max, LookFunction look)
    : statistics_(statistics),
      look_(std::move(look)),
      sets_(std::bit_ceil(std::max(entries_max, kWays)) / kWays),
      set_(std::make_unique<Set[]>(sets_)),
      touches_(std::make_unique<std::atomic<uint64_t>[]>(kTouchCounters)) {}

VerdictCache::~VerdictCache() = default;

void VerdictCache::SetGeneration(uint64_t generation) {
  if (generation_.exchange(generation) != generation) Clear();
}

FileSnapshot VerdictCache::Begin(const FileState& state, int64_t now_ns) const {
  FileSnapshot snapshot;
  snapshot.state = state;
  snapshot.epoch = epoch_.load();
  snapshot.touches = TouchesOf(state).load();
  snapshot.is_settled = IsSettled(state, now_ns);
  return snapshot;
}

std::optional<VerdictCache::Known> VerdictCache::Find(const FileState& state) {
  Set& set = SetOf(state);
  std::optional<Known> known;
  if (!set.TryEnter()) {
    statistics_.busy.fetch_add(1);
    statistics_.misses.fetch_add(1);
    return known;
  }
  for (Entry& entry : set.entries) {
    if (entry.state != state || !IsValid(entry)) continue;
    entry.last_used = ++set.clock;
    known = Known{entry.is_write_protected};
    break;
  }
  set.Leave();
  if (!known) statistics_.misses.fetch_add(1);
  return known;
}

void VerdictCache::Remember(int fd, const FileSnapshot& before,
                            const Verdict& verdict) {
  if (verdict.kind != VerdictKind::kClean || before.epoch == 0) return;
  const std::optional<FileLook> now = look_(fd);
  if (std::atomic<uint64_t>* reason =
          ReasonToRefuse(fd, now, before, verdict)) {
    reason->fetch_add(1);
    return;
  }
  Insert(before, {now->is_immutable});
}

std::atomic<uint64_t>* VerdictCache::ReasonToRefuse(
    int fd, const std::optional<FileLook>& now, const FileSnapshot& before,
    const Verdict& verdict) const {
  if (!before.is_truthful) return &statistics_.refused_file_system;
  if (!before.is_quiet) return &statistics_.refused_writer;
  if (before.is_pinnable) return &statistics_.refused_pinnable;
  if (!before.is_settled) return &statistics_.refused_fresh;
  if (verdict.generation != generation_.load()) {
    return &statistics_.refused_generation;
  }
  if (!now || now->state != before.state) return &statistics_.refused_changed;
  if (HasWriter(fd)) return &statistics_.refused_writer;
  if (before.epoch != epoch_.load() ||
      before.touches != TouchesOf(before.state).load()) {
    return &statistics_.refused_touched;
  }
  return nullptr;
}

bool VerdictCache::IsUnchanged(int fd, const FileSnapshot& before) const {
  const std::optional<FileLook> now = look_(fd);
  return before.is_truthful && before.is_quiet && !before.is_pinnable &&
         before.is_settled && now && now->state == before.state &&
         !HasWriter(fd) && before.epoch == epoch_.load() &&
         before.touches == TouchesOf(before.state).load();
}

void VerdictCache::Insert(const FileSnapshot& snapshot, const Known& known) {
  Set& set = SetOf(snapshot.state);
  if (!set.TryEnter()) {
    statistics_.busy.fetch_add(1);
    return;
  }
  // The same file in another state, else what is void, else what was not used
  // for longest.
  const auto worth = [&](const Entry& entry) {
    if (IsSameFile(entry.state, snapshot.state)) return uint64_t{0};
    return IsValid(entry) ? entry.last_used + 2 : uint64_t{1};
  };
  Entry& place = *std::min_element(
      set.entries.begin(), set.entries.end(),
      [&](const Entry& a, const Entry& b) { return worth(a) < worth(b); });
  if (worth(place) > 1) statistics_.evictions.fetch_add(1);
  // With the counts of the snapshot: a Touch or Clear since then has made this
  // entry void already.
  place.state = snapshot.state;
  place.touches = snapshot.touches;
  place.epoch = snapshot.epoch;
  place.last_used = ++set.clock;
  place.is_write_protected = known.is_write_protected;
  set.Leave();
  statistics_.insertions.fetch_add(1);
}

void VerdictCache::Touch(const FileState& state) {
  TouchesOf(state).fetch_add(1);
  statistics_.touches.fetch_add(1);
}

void VerdictCache::Clear() {
  epoch_.fetch_add(1);
  statistics_.clears.fetch_add(1);
}

bool VerdictCache::IsValid(const Entry& entry) const {
  return entry.epoch == epoch_.load() &&
         entry.touches == TouchesOf(entry.state).load();
}

VerdictCache::Set& VerdictCache::SetOf(const FileState& state) const {
  assert(std::has_single_bit(sets_));
  return set_[HashOf(state) & (sets_ - 1)];
}

std::atomic<uint64_t>& VerdictCache::TouchesOf(const FileState& state) const {
  // Other bits than those that choose the set.
  return touches_[(HashOf(state) >> 40U) & (kTouchCounters - 1)];
}

}  // namespace gatehouse
