// The journal: shared memory in which the kernel's events live from the
// instant they are read until they are settled, so that the death of the
// process that works on them loses nothing. docs/journal.md tells the story.
//
// One process at a time works with a journal. In it: AcquireRun and CommitRun
// belong to the reader thread, the rest is thread-safe. Nothing here is ever
// freed.
#pragma once

#include <linux/fanotify.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "es_adapter/linux/source_buffer.h"
#include "es_linux.h"

namespace gatehouse {

// The life of a slot. Read by another process of the same build after a death.
enum class SlotState : uint32_t {
  kClosed,    // Free.
  kReading,   // Offered to read(2); filled if raw.event_len is not 0.
  kPending,   // Read; nobody has answered (or, a notification: in work).
  kAnswered,  // Answered; the file is still in use.
  kClosing,   // The descriptor is being closed, or has been.
};

struct Slot {
  std::atomic<SlotState> state{SlotState::kClosed};
  std::atomic<uint32_t> strikes{0};
  uint32_t scan_mark = 0;  // ESL_SCAN_MARK_*; only through std::atomic_ref.
  std::atomic<uint64_t> sequence{0};  // Grows with every event read.
  std::atomic<int64_t> read_ns{0};    // CLOCK_MONOTONIC.
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);
static_assert(std::atomic<SlotState>::is_always_lock_free);

// The slots of one group. The kernel writes straight into `raw`.
class SlotTable {
 public:
  struct Run {
    size_t first = 0;
    size_t count = 0;
  };

  // `raw` and `slots` have `size` elements each and live in shared memory.
  SlotTable(fanotify_event_metadata* raw, Slot* slots, size_t size)
      : raw_(raw), slots_(slots), size_(size) {}

  // Takes up to `count_max` free neighbouring slots, blanks them and marks
  // them as being read. count is 0 when no slot is free.
  Run AcquireRun(size_t count_max);
  // The first `filled` slots of the run hold events now; the others are free.
  void CommitRun(const Run& run, size_t filled, uint64_t first_sequence,
                 int64_t now_ns);

  // Closes the file of the event and frees the slot. Thread-safe.
  void Close(size_t index);
  // As Close, for slots whose descriptor is closed already or never was.
  void Free(size_t index);

  // After a death: what was read but not yet committed becomes pending, what
  // was closing becomes free. Returns the greatest sequence number.
  uint64_t Recover(uint64_t next_sequence, int64_t now_ns);

  size_t size() const { return size_; }
  Slot& slot(size_t index) { return slots_[index]; }
  const Slot& slot(size_t index) const { return slots_[index]; }
  fanotify_event_metadata& raw(size_t index) { return raw_[index]; }
  const fanotify_event_metadata& raw(size_t index) const { return raw_[index]; }
  size_t open_count() const { return open_count_.load(); }
  // Slots held by an unsettled event, whoever works on it.
  bool HoldsEvent(size_t index) const;

 private:
  fanotify_event_metadata* const raw_;
  Slot* const slots_;
  const size_t size_;
  size_t cursor_ = 0;
  std::atomic<size_t> open_count_{0};
};

// Counters as in esl_statistics_t, where they are explained.
struct JournalCounters {
  std::atomic<uint64_t> auth_events{0};
  std::atomic<uint64_t> notify_events{0};
  std::atomic<uint64_t> allowed{0};
  std::atomic<uint64_t> denied{0};
  std::atomic<uint64_t> allowed_own_process{0};
  std::atomic<uint64_t> allowed_deadline{0};
  std::atomic<uint64_t> denied_deadline{0};
  std::atomic<uint64_t> allowed_muted{0};
  std::atomic<uint64_t> allowed_expected{0};
  std::atomic<uint64_t> answered_from_cache{0};
  std::atomic<uint64_t> ignored{0};
  std::atomic<uint64_t> ignored_full{0};
  std::atomic<uint64_t> allowed_unanswered{0};
  std::atomic<uint64_t> allowed_no_worker{0};
  std::atomic<uint64_t> denied_no_worker{0};
  std::atomic<uint64_t> rescans_lost{0};
  std::atomic<uint64_t> answers_without_waiter{0};
  std::atomic<uint64_t> answers_failed{0};
  std::atomic<uint64_t> queue_overflows{0};
  std::atomic<uint64_t> read_errors{0};
  std::atomic<uint64_t> full_stops{0};
  std::atomic<uint64_t> adopted{0};
  std::atomic<uint64_t> strikes{0};
  std::atomic<uint64_t> name_events{0};
  std::atomic<uint64_t> names_lost{0};
  std::atomic<uint64_t> names_unresolved{0};
  std::atomic<uint64_t> process_events{0};
  std::atomic<uint64_t> processes_lost{0};
  std::atomic<uint64_t> processes_gone{0};
  std::atomic<uint64_t> mount_events{0};
  std::atomic<uint64_t> mounts_lost{0};
  std::atomic<uint64_t> mounts_unresolved{0};
  std::atomic<uint64_t> malformed_records{0};
  std::atomic<uint64_t> recorded{0};
  std::atomic<uint64_t> record_lost{0};
  std::atomic<uint64_t> recordings_failed{0};
};

enum class GroupKind : uint8_t { kPermission, kNotification };
inline constexpr size_t kGroupCount = 2;

// Sources of notifications that hold no slot: see notify_source.h.
enum class SourceKind : uint8_t { kNames, kProcesses, kMounts };
inline constexpr size_t kSourceCount = 3;

struct JournalSource {
  std::atomic<int> fd{-1};         // -1: none.
  std::atomic<uint64_t> state{0};  // What a successor must know; by source.
  SourceBuffer buffer;
};

}  // namespace gatehouse

// The C handle. Built in place at the beginning of its own mapping, which every
// clone sees at the same address.
struct esl_journal_s {
  gatehouse::SlotTable permission;
  gatehouse::SlotTable notification;
  std::array<std::atomic<int>, gatehouse::kGroupCount> group_fds;  // -1: none.
  std::atomic<uint64_t> subscriptions{0};  // Bits of event_table.h.
  std::atomic<uint64_t> next_sequence{1};
  gatehouse::JournalCounters counters;
  std::array<gatehouse::JournalSource, gatehouse::kSourceCount> sources;

  gatehouse::SlotTable& table(gatehouse::GroupKind kind) {
    return kind == gatehouse::GroupKind::kPermission ? permission
                                                     : notification;
  }
  gatehouse::JournalSource& source(gatehouse::SourceKind kind) {
    return sources[static_cast<size_t>(kind)];
  }
  int group_fd(gatehouse::GroupKind kind) const {
    return group_fds[static_cast<size_t>(kind)].load();
  }
};
