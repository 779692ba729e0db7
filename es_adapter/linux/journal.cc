#include "es_adapter/linux/journal.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <vector>

#include "es_adapter/linux/event_table.h"
#include "es_adapter/linux/fanotify_group.h"

namespace gatehouse {
namespace {

constexpr uint32_t kEventsMaxLimit = 65'536;

// Below this many open slots the search starts at the front, so that a quiet
// machine always touches the same few messages.
constexpr size_t kFewOpenSlots = 64;

}  // namespace

SlotTable::Run SlotTable::AcquireRun(size_t count_max) {
  assert(count_max > 0);
  const size_t start = open_count_.load() < kFewOpenSlots ? 0 : cursor_ % size_;
  for (size_t step = 0; step < size_; ++step) {
    const size_t first = (start + step) % size_;
    Run run{first, 0};
    while (run.count < count_max && first + run.count < size_ &&
           slots_[first + run.count].state.load() == SlotState::kClosed) {
      Slot& slot = slots_[first + run.count];
      std::memset(&raw_[first + run.count], 0, sizeof(raw_[0]));
      // Release: in this order for whoever comes after a death. Nobody else
      // looks at a slot before it is committed.
      slot.strikes.store(0, std::memory_order_release);
      std::atomic_ref(slot.scan_mark)
          .store(ESL_SCAN_MARK_NONE, std::memory_order_release);
      slot.state.store(SlotState::kReading, std::memory_order_release);
      ++run.count;
    }
    if (run.count > 0) {
      cursor_ = first + run.count;
      (void)open_count_.fetch_add(run.count);
      return run;
    }
  }
  return Run{};
}

void SlotTable::CommitRun(const Run& run, size_t filled,
                          uint64_t first_sequence, int64_t now_ns) {
  assert(filled <= run.count);
  for (size_t i = 0; i < filled; ++i) {
    Slot& slot = slots_[run.first + i];
    // Release: in this order for whoever comes after a death.
    slot.sequence.store(first_sequence + i, std::memory_order_release);
    slot.read_ns.store(now_ns, std::memory_order_release);
    slot.state.store(SlotState::kPending, std::memory_order_release);
  }
  for (size_t i = filled; i < run.count; ++i) {
    // Release: only the reader, which is this thread, takes free slots.
    slots_[run.first + i].state.store(SlotState::kClosed,
                                      std::memory_order_release);
  }
  (void)open_count_.fetch_sub(run.count - filled);
}

void SlotTable::Close(size_t index) {
  const int fd = raw_[index].fd;
  // The order matters to whoever comes after a death: a slot that says closing
  // is never answered and never kept, because its number may be in use again.
  slots_[index].state.store(SlotState::kClosing);
  if (fd >= 0) (void)::close(fd);  // Linux frees the number in any case.
  Free(index);
}

void SlotTable::Free(size_t index) {
  // Before the slot can be taken again: the count never goes below the truth.
  slots_[index].state.store(SlotState::kClosed);
  (void)open_count_.fetch_sub(1);
}

bool SlotTable::HoldsEvent(size_t index) const {
  switch (slots_[index].state.load()) {
    case SlotState::kReading:
      return raw_[index].event_len != 0;
    case SlotState::kPending:
    case SlotState::kAnswered:
      return true;
    case SlotState::kClosed:
    case SlotState::kClosing:
      return false;
  }
  return false;
}

uint64_t SlotTable::Recover(uint64_t next_sequence, int64_t now_ns) {
  size_t open = 0;
  for (size_t i = 0; i < size_; ++i) {
    Slot& slot = slots_[i];
    if (!HoldsEvent(i)) {
      slot.state.store(SlotState::kClosed);
      continue;
    }
    ++open;
    if (slot.state.load() == SlotState::kReading) {
      slot.sequence.store(next_sequence++);
      slot.read_ns.store(now_ns);
      slot.state.store(SlotState::kPending);
    }
  }
  open_count_.store(open);
  return next_sequence;
}

}  // namespace gatehouse

using gatehouse::GroupKind;
using gatehouse::Slot;
using gatehouse::SlotState;
using gatehouse::SlotTable;

extern "C" {

esl_journal_t* esl_journal_create(uint32_t events_max) {
  if (events_max == 0 || events_max > gatehouse::kEventsMaxLimit) {
    errno = EINVAL;
    return nullptr;
  }
  const size_t header_bytes = (sizeof(esl_journal_s) + 63) / 64 * 64;
  const size_t slots_bytes = sizeof(Slot) * events_max;
  const size_t raw_bytes = sizeof(fanotify_event_metadata) * events_max;
  void* memory =
      ::mmap(nullptr, header_bytes + 2 * (slots_bytes + raw_bytes),
             PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* next = static_cast<std::byte*>(memory) + header_bytes;
  Slot* slots[2] = {};
  fanotify_event_metadata* raws[2] = {};
  for (size_t i = 0; i < 2; ++i) {
    slots[i] = ::new (next) Slot[events_max];
    next += slots_bytes;
    raws[i] = ::new (next) fanotify_event_metadata[events_max]();
    next += raw_bytes;
  }
  auto* journal =
      ::new (memory) esl_journal_s{SlotTable(raws[0], slots[0], events_max),
                                   SlotTable(raws[1], slots[1], events_max),
                                   {},
                                   {},
                                   {},
                                   {},
                                   {}};
  for (std::atomic<int>& fd : journal->group_fds) fd.store(-1);
  journal->next_sequence.store(1);
  return journal;
}

size_t esl_journal_kept_fds(const esl_journal_t* journal, int* fds,
                            size_t fds_max) {
  size_t count = 0;
  const auto keep = [&](int fd) {
    if (fd >= 0 && count < fds_max) fds[count++] = fd;
  };
  for (const std::atomic<int>& fd : journal->group_fds) keep(fd.load());
  for (const gatehouse::JournalSource& source : journal->sources) {
    keep(source.fd.load());
  }
  for (const SlotTable* table :
       {&journal->permission, &journal->notification}) {
    for (size_t i = 0; i < table->size(); ++i) {
      if (table->HoldsEvent(i)) keep(table->raw(i).fd);
    }
  }
  std::sort(fds, fds + count);
  return static_cast<size_t>(std::unique(fds, fds + count) - fds);
}

int esl_journal_group_fd(const esl_journal_t* journal) {
  return journal->group_fd(GroupKind::kPermission);
}

size_t esl_journal_answer_all(esl_journal_t* journal, void* context,
                              bool (*allows)(void* context,
                                             const esl_held_t* held)) {
  const int group_fd = journal->group_fd(GroupKind::kPermission);
  if (group_fd < 0) return 0;
  gatehouse::JournalCounters& counters = journal->counters;
  SlotTable& table = journal->permission;
  const int64_t now_ns = gatehouse::JournalNow();
  journal->next_sequence.store(
      table.Recover(journal->next_sequence.load(), now_ns));
  size_t answers = 0;
  const auto answer = [&](const fanotify_event_metadata& raw) {
    const gatehouse::KnownEvent* event =
        gatehouse::EventOfMask(GroupKind::kPermission, raw.mask);
    assert(event != nullptr);  // The kernel reports what was marked.
    const esl_held_t held = {event->type, raw.pid, raw.fd};
    const bool is_allowed = allows == nullptr || allows(context, &held);
    (void)gatehouse::AnswerEvent(group_fd, raw.fd, is_allowed, counters);
    (is_allowed ? counters.allowed_no_worker : counters.denied_no_worker)
        .fetch_add(1);
    ++answers;
  };
  for (size_t i = 0; i < table.size(); ++i) {
    if (table.slot(i).state.load() != SlotState::kPending) continue;
    answer(table.raw(i));
    table.slot(i).state.store(SlotState::kAnswered);
  }
  // Bounded: one round takes no more than one table of new events.
  for (size_t round = 0; round < table.size(); ++round) {
    fanotify_event_metadata spill = {};
    const SlotTable::Run run = table.AcquireRun(1);
    fanotify_event_metadata* raw =
        run.count == 0 ? &spill : &table.raw(run.first);
    const ssize_t bytes = ::read(group_fd, raw, sizeof(*raw));
    if (bytes < static_cast<ssize_t>(sizeof(*raw)) || raw->fd < 0) {
      if (run.count != 0) table.CommitRun(run, 0, 0, now_ns);
      break;
    }
    counters.auth_events.fetch_add(1);
    answer(*raw);
    if (run.count == 0) {
      (void)::close(raw->fd);
      counters.rescans_lost.fetch_add(1);
    } else {
      table.CommitRun(run, 1, journal->next_sequence.fetch_add(1), now_ns);
      table.slot(run.first).state.store(SlotState::kAnswered);
    }
  }
  return answers;
}

uint64_t esl_journal_longest_wait_ns(const esl_journal_t* journal) {
  const SlotTable& table = journal->permission;
  const int64_t now_ns = gatehouse::JournalNow();
  int64_t longest_ns = 0;
  for (size_t i = 0; i < table.size(); ++i) {
    const Slot& slot = table.slot(i);
    if (slot.state.load() != SlotState::kPending) continue;
    longest_ns = std::max(longest_ns, now_ns - slot.read_ns.load());
  }
  return static_cast<uint64_t>(longest_ns);
}

void esl_journal_marks(const esl_journal_t* journal, esl_marks_t* marks) {
  using gatehouse::CountMarks;
  using gatehouse::GroupKind;
  marks->permission = CountMarks(journal->group_fd(GroupKind::kPermission));
  marks->notification = CountMarks(journal->group_fd(GroupKind::kNotification));
}

size_t esl_journal_watched_devices(const esl_journal_t* journal, bool is_held,
                                   dev_t* devices, size_t devices_max) {
  const GroupKind kind =
      is_held ? GroupKind::kPermission : GroupKind::kNotification;
  const std::vector<dev_t> marked =
      gatehouse::MarkedDevices(journal->group_fd(kind));
  const size_t count = std::min(marked.size(), devices_max);
  std::copy_n(marked.begin(), count, devices);
  return count;
}

void esl_journal_statistics(const esl_journal_t* journal,
                            esl_statistics_t* statistics) {
  const gatehouse::JournalCounters& from = journal->counters;
  statistics->auth_events = from.auth_events.load();
  statistics->notify_events = from.notify_events.load();
  statistics->allowed = from.allowed.load();
  statistics->denied = from.denied.load();
  statistics->allowed_own_process = from.allowed_own_process.load();
  statistics->allowed_deadline = from.allowed_deadline.load();
  statistics->denied_deadline = from.denied_deadline.load();
  statistics->allowed_muted = from.allowed_muted.load();
  statistics->allowed_expected = from.allowed_expected.load();
  statistics->answered_from_cache = from.answered_from_cache.load();
  statistics->ignored = from.ignored.load();
  statistics->ignored_full = from.ignored_full.load();
  statistics->allowed_unanswered = from.allowed_unanswered.load();
  statistics->allowed_no_worker = from.allowed_no_worker.load();
  statistics->denied_no_worker = from.denied_no_worker.load();
  statistics->rescans_lost = from.rescans_lost.load();
  statistics->answers_without_waiter = from.answers_without_waiter.load();
  statistics->answers_failed = from.answers_failed.load();
  statistics->queue_overflows = from.queue_overflows.load();
  statistics->read_errors = from.read_errors.load();
  statistics->full_stops = from.full_stops.load();
  statistics->adopted = from.adopted.load();
  statistics->strikes = from.strikes.load();
  statistics->name_events = from.name_events.load();
  statistics->names_lost = from.names_lost.load();
  statistics->names_unresolved = from.names_unresolved.load();
  statistics->process_events = from.process_events.load();
  statistics->processes_lost = from.processes_lost.load();
  statistics->processes_gone = from.processes_gone.load();
  statistics->mount_events = from.mount_events.load();
  statistics->mounts_lost = from.mounts_lost.load();
  statistics->mounts_unresolved = from.mounts_unresolved.load();
  statistics->malformed_records = from.malformed_records.load();
  statistics->recorded = from.recorded.load();
  statistics->record_lost = from.record_lost.load();
  statistics->recordings_failed = from.recordings_failed.load();
  statistics->pending =
      journal->permission.open_count() + journal->notification.open_count();
}

}  // extern "C"
