// The part of Client that reads events and delivers them: its reader thread.
#include <sys/fanotify.h>
#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <span>
#include <utility>

#include "base/thread_name.h"
#include "es_adapter/linux/client.h"

namespace gatehouse {
namespace {

// How many events one read may take: enough to amortise the call, few enough
// that the last of them does not wait for long.
constexpr size_t kEventsPerReadMax = 32;
constexpr size_t kEventsPerReadMin = 2;
constexpr int kReaderNice = -10;

}  // namespace

void Client::Read(const std::stop_token& stop) {
  SetThreadName("gh-es-reader");
  // Best effort: everybody who opens a file waits for this thread.
  (void)::setpriority(PRIO_PROCESS, 0, kReaderNice);
  DeliverAdopted();
  while (!stop.stop_requested()) Step();
}

void Client::Step() {
  rounds_.fetch_add(1, std::memory_order_relaxed);
  const GroupSet ready = WaitForEvents();
  if (!ready[0] && !ready[1]) RunSyncMarkers();
  // One batch of each in turn: a flood of one kind must not starve the other.
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    if (ready.at(static_cast<size_t>(kind))) ReadGroup(kind);
  }
  DeliverNotifications();
}

void Client::DeliverAdopted() {
  struct Adopted {
    uint64_t sequence;
    GroupKind kind;
    size_t index;
  };
  std::vector<Adopted> adopted;
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    const SlotTable& table = journal_.table(kind);
    for (size_t i = 0; i < table.size(); ++i) {
      if (!table.HoldsEvent(i)) continue;
      adopted.push_back({table.slot(i).sequence.load(), kind, i});
    }
  }
  std::sort(adopted.begin(), adopted.end(),
            [](const Adopted& a, const Adopted& b) {
              return a.sequence < b.sequence;
            });
  for (const Adopted& event : adopted) Settle(event.kind, event.index);
}

// Reads one batch and delivers it.
void Client::ReadGroup(GroupKind kind) {
  SlotTable& table = journal_.table(kind);
  JournalCounters& counters = journal_.counters;
  size_t& batch = batch_events_.at(static_cast<size_t>(kind));
  const SlotTable::Run run = table.AcquireRun(batch);
  if (run.count == 0) return;
  const ssize_t got =
      backend_->Read(kind, std::span(&table.raw(run.first), run.count));
  if (got <= 0) {
    // There was an event. EAGAIN: its file is under a lease that would have to
    // be broken first, which we must not wait for; the kernel has refused it.
    if (got < 0 && got != -EINTR) counters.read_errors.fetch_add(1);
    table.CommitRun(run, 0, 0, 0);
    return;
  }
  const auto count = static_cast<size_t>(got);
  // As many slots as events keep coming: each costs a little to prepare.
  batch = count == run.count ? std::min(batch * 2, kEventsPerReadMax)
                             : std::max(count, kEventsPerReadMin);
  table.CommitRun(run, count, journal_.next_sequence.fetch_add(count),
                  backend_->Now());
  (kind == GroupKind::kPermission ? counters.auth_events
                                  : counters.notify_events)
      .fetch_add(count);
  for (size_t i = 0; i < count; ++i) Settle(kind, run.first + i);
}

// Deals with one event in its slot: inline if we can, else by the handler.
void Client::Settle(GroupKind kind, size_t slot_index) {
  SlotTable& table = journal_.table(kind);
  const fanotify_event_metadata& raw = table.raw(slot_index);
  if (raw.fd < 0) {
    if ((raw.mask & FAN_Q_OVERFLOW) != 0) {
      journal_.counters.queue_overflows.fetch_add(1);
    }
    table.Free(slot_index);
    return;
  }
  // pid 0 is a process of another pid namespace: unknown, never ourselves.
  if (raw.pid == own_pid_ && raw.pid != 0) {
    if (kind == GroupKind::kPermission) {
      backend_->Answer(kind, raw.fd, true, AnswerSource::kUnknown);
      journal_.counters.allowed_own_process.fetch_add(1);
    }
    table.Close(slot_index);
    return;
  }
  const KnownEvent* event = EventOfMask(kind, raw.mask);
  assert(event != nullptr);  // The kernel reports what was marked.
  if (kind == GroupKind::kNotification && ignored_.load() != 0) {
    backend_->StopIgnoring(raw.fd);  // It was written.
  }
  Message& message = Prepare(kind, slot_index, *event);
  if (recorder_.active() && !message.answered_by_predecessor) {
    recorder_.Event(message, table.slot(slot_index).read_ns.load(), *backend_);
  }
  if (AnswerInline(message, *event)) {
    table.Close(slot_index);
    return;
  }
  Deliver(message);
}

Message& Client::Prepare(GroupKind kind, size_t slot_index,
                         const KnownEvent& event) {
  const Slot& slot = journal_.table(kind).slot(slot_index);
  Message& message = MessageOf(kind, slot_index);
  MessageNumbers numbers;
  if (const std::atomic<int64_t>* deadline = DeadlineOf(event.type)) {
    numbers.deadline_ns = slot.read_ns.load() + deadline->load();
  }
  FillMessage(message, journal_.table(kind).raw(slot_index), event.type,
              numbers, detail_.load(), *backend_);
  message.sequence = slot.sequence.load();
  message.fails_closed.store(false);
  message.answered_by_predecessor = event.support == ESL_SUPPORT_AUTH &&
                                    slot.state.load() == SlotState::kAnswered;
  return message;
}

// The cheapest first. True if the client need not see the event.
bool Client::AnswerInline(Message& message, const KnownEvent& event) {
  if (message.answered_by_predecessor) return false;  // Its rescan is owed.
  const bool is_auth = event.support == ESL_SUPPORT_AUTH;
  JournalCounters& counters = journal_.counters;
  bool subscribed = (subscriptions() & event.subscription) != 0;
  if (event.type == ES_EVENT_TYPE_NOTIFY_CLOSE &&
      !message.es.event.close.modified) {
    // A mark may be left of a time when that was wanted.
    subscribed = ReportsStarts(subscriptions());
  }
  if (!subscribed || IsMuted(message)) {
    if (is_auth)
      AnswerNow(message, true, AnswerSource::kMuted, counters.allowed_muted);
    return true;
  }
  if (!is_auth) return false;
  const int64_t now_ns = backend_->Now();
  if (event.type == ES_EVENT_TYPE_AUTH_OPEN && expected_opens_.any() &&
      expected_opens_.Take(audit_token_to_pid(message.process.audit_token),
                           StateOf(message.target.stat), now_ns) &&
      !backend_->HasWriter(message.fd)) {
    AnswerNow(message, true, AnswerSource::kExpectedOpen,
              counters.allowed_expected);
    return true;
  }
  if (answers_.empty()) return false;
  backend_->FillProcess(message);
  const std::optional<uint32_t> flags =
      answers_.Find(QuestionOf(message), now_ns);
  if (!flags || backend_->HasWriter(message.fd)) return false;
  AnswerNow(message, IsAuthorized(message, *flags), AnswerSource::kKept,
            counters.answered_from_cache);
  return true;
}

void Client::AnswerNow(const Message& message, bool allow, AnswerSource source,
                       std::atomic<uint64_t>& counter) {
  if (recorder_.active()) {
    recorder_.Answer(message, allow, source, backend_->Now());
  }
  backend_->Answer(message.group, message.fd, allow, source);
  counter.fetch_add(1);
}

void Client::FillTargetPath(const Message& message) {
  // The library made it and knows that it is not const; on this thread it may
  // still be filled.
  backend_->FillTargetPath(const_cast<Message&>(message));
}

const es_file_t* Client::BelievedTarget(const Message& message) {
  FillTargetPath(message);
  const bool is_known = message.target.path.length != 0;
  // Found through a mount of ours, or by nobody.
  if (message.parts != nullptr) {
    return is_known && message.parts->target_count != 0 ? &message.target
                                                        : nullptr;
  }
  return is_known && backend_->IsTargetBelieved(message) ? &message.target
                                                         : nullptr;
}

const es_file_t* Client::BelievedExecutable(const Message& message) {
  // The library made it and knows that it is not const; on this thread it may
  // still be filled.
  auto& mutable_message = const_cast<Message&>(message);
  backend_->FillProcess(mutable_message);
  if (!message.has_process || message.executable.path.length == 0) {
    return nullptr;
  }
  return backend_->IsExecutableBelieved(message) ? &message.executable
                                                 : nullptr;
}

bool Client::IsMuted(Message& message) {
  const bool by_process = mutes_.needs_process();
  const bool by_executable = mutes_.needs_executable();
  const bool by_target = mutes_.needs_targets();
  if (!by_process && !by_executable && !by_target) return false;
  MuteSubject subject;
  subject.type = message.es.event_type;
  if (by_process) backend_->FillProcess(message);
  if (by_process && message.has_process) {
    subject.process = message.process.audit_token;
  }
  if (by_executable) {
    if (const es_file_t* executable = BelievedExecutable(message)) {
      subject.executable = {executable->path.data, executable->path.length};
    }
  }
  if (by_target && message.parts != nullptr) {
    subject.target_count = message.parts->target_count;
    subject.targets = message.parts->targets;
  } else if (by_target) {
    subject.target_count = 1;
    if (const es_file_t* target = BelievedTarget(message)) {
      subject.targets.front() = {target->path.data, target->path.length};
    }
  }
  return mutes_.Suppresses(subject);
}

void Client::Deliver(Message& message) {
  // Numbered when it is sure that it is delivered: a gap is a loss.
  message.es.seq_num = type_numbers_.at(message.es.event_type)++;
  message.es.global_seq_num = global_number_++;
  references_.fetch_add(1);
  if (message.parts != nullptr) sources_->Use(message);
  message.references.store(1);
  if (message.es.action_type == ES_ACTION_TYPE_AUTH &&
      !message.answered_by_predecessor) {
    message.unanswered.store(message.sequence);
    if (deadline_timer_ != nullptr) deadline_timer_->Arm();
  }
  handler_.function(handler_.context, handler_.handle, &message.es);
  Release(message);
}

Message& Client::MessageOf(GroupKind kind, size_t slot_index) {
  std::atomic<Message*>& entry =
      messages_.at(static_cast<size_t>(kind)).at(slot_index);
  Message* message = entry.load();
  if (message == nullptr) {
    owned_messages_.push_back(std::make_unique<Message>());
    message = owned_messages_.back().get();
    message->client = this;
    message->group = kind;
    message->slot_index = slot_index;
    entry.store(message);
  }
  assert(message->references.load() == 0);
  return *message;
}

// Sleeps until a group has events for which there is a slot, or until woken.
GroupSet Client::WaitForEvents() {
  const GroupSet wanted = {HasFreeSlot(GroupKind::kPermission),
                           HasFreeSlot(GroupKind::kNotification)};
  AwaitRoom();
  const GroupSet ready = backend_->Wait(wanted, wake_fd_.UnsafeFd());
  reader_waits_for_slot_.store(false);
  return ready;
}

void Client::RunSyncMarkers() {
  std::vector<SyncMarker> markers;
  {
    const MutexLock lock(sync_mutex_);
    markers.swap(sync_markers_);
  }
  for (const SyncMarker& marker : markers) marker.function(marker.context);
}

// False also asks for a wake-up by whoever frees the next slot.
bool Client::HasFreeSlot(GroupKind kind) {
  const SlotTable& table = journal_.table(kind);
  if (table.open_count() < table.size()) return true;
  reader_waits_for_slot_.store(true);
  // Somebody may have freed one before he could see that.
  if (table.open_count() < table.size()) return true;
  journal_.counters.full_stops.fetch_add(1);
  return false;
}

}  // namespace gatehouse
