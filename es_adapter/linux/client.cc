#include "es_adapter/linux/client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/thread_name.h"
#include "es_adapter/linux/fanotify_group.h"

namespace gatehouse {
namespace {

constexpr std::chrono::milliseconds kDefaultDeadline{3000};
constexpr std::chrono::milliseconds kDeadlineTimerPeriod{50};
// How many events one read may take: enough to amortise the call, few enough
// that the last of them does not wait for long.
constexpr size_t kEventsPerReadMax = 32;
constexpr size_t kEventsPerReadMin = 2;
constexpr int kReaderNice = -10;

constexpr uint64_t kSubscribedAuthOpen = 1;
constexpr uint64_t kSubscribedNotifyClose = 2;

// The bit of an event type that Linux can deliver, else 0.
uint64_t SubscriptionBit(es_event_type_t type) {
  if (type == ES_EVENT_TYPE_AUTH_OPEN) return kSubscribedAuthOpen;
  if (type == ES_EVENT_TYPE_NOTIFY_CLOSE) return kSubscribedNotifyClose;
  return 0;
}

// 0 if any of the events cannot be delivered.
uint64_t SubscriptionBits(std::span<const es_event_type_t> events) {
  uint64_t bits = 0;
  for (const es_event_type_t type : events) {
    const uint64_t bit = SubscriptionBit(type);
    if (bit == 0) return 0;
    bits |= bit;
  }
  return bits;
}

uint64_t MarkMask(GroupKind kind, uint64_t subscriptions) {
  if (kind == GroupKind::kPermission) {
    return (subscriptions & kSubscribedAuthOpen) != 0 ? FAN_OPEN_PERM : 0;
  }
  return (subscriptions & kSubscribedNotifyClose) != 0 ? FAN_CLOSE_WRITE : 0;
}

es_new_client_result_t ClientResult(int error_number) {
  switch (error_number) {
    case EPERM:
      return ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED;
    case EMFILE:
      return ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS;
    default:
      return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
  }
}

bool TryRetain(const Message& message) {
  uint32_t count = message.references.load();
  while (count != 0) {
    if (message.references.compare_exchange_weak(count, count + 1)) {
      return true;
    }
  }
  return false;
}

}  // namespace

// --- Life -------------------------------------------------------------------

Client::Client(esl_journal_t& journal, const Handler& handler)
    : journal_(journal),
      handler_(handler),
      own_pid_(::getpid()),
      deadline_ns_(std::chrono::nanoseconds(kDefaultDeadline).count()),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  for (std::vector<std::atomic<Message*>>& messages : messages_) {
    messages = std::vector<std::atomic<Message*>>(journal_.permission.size());
  }
}

Client* Client::Create(esl_journal_t& journal, const Handler& handler,
                       bool own_fault, es_new_client_result_t* result) {
  std::unique_ptr<Client, void (*)(Client*)> client(
      new Client(journal, handler), [](Client* self) { delete self; });
  if (!client->wake_fd_.valid()) {
    *result = ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
    return nullptr;
  }
  *result = client->OpenGroups();
  if (*result != ES_NEW_CLIENT_RESULT_SUCCESS) return nullptr;
  client->Adopt(own_fault);
  return client.release();
}

void Client::Start() {
  deadline_timer_ =
      std::make_unique<IdleTicker>("gh-es-deadline", kDeadlineTimerPeriod,
                                   [this] { return AnswerOverdue(); });
  reader_ = std::jthread([this](const std::stop_token& stop) { Read(stop); });
}

es_new_client_result_t Client::OpenGroups() {
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    if (journal_.group_fd(kind) >= 0) continue;  // Adopted.
    OpenedGroup group = OpenGroup(kind);
    if (!group.fd.valid()) return ClientResult(group.error_number);
    journal_.group_fds.at(static_cast<size_t>(kind)).store(group.fd.Release());
  }
  return ES_NEW_CLIENT_RESULT_SUCCESS;
}

// Turns what a predecessor left into something to deliver, and gives strikes.
void Client::Adopt(bool own_fault) {
  const int64_t now_ns = JournalNow();
  bool one_is_known = false;
  for (SlotTable* table : {&journal_.permission, &journal_.notification}) {
    journal_.next_sequence.store(
        table->Recover(journal_.next_sequence.load(), now_ns));
    for (size_t i = 0; i < table->size(); ++i) {
      if (!table->HoldsEvent(i)) continue;
      journal_.counters.adopted.fetch_add(1);
      one_is_known =
          one_is_known || std::atomic_ref(table->slot(i).scan_mark).load() ==
                              ESL_SCAN_MARK_FAULTED;
    }
  }
  const uint32_t guilty =
      one_is_known ? ESL_SCAN_MARK_FAULTED : ESL_SCAN_MARK_SCANNING;
  for (SlotTable* table : {&journal_.permission, &journal_.notification}) {
    for (size_t i = 0; i < table->size(); ++i) {
      Slot& slot = table->slot(i);
      const std::atomic_ref mark(slot.scan_mark);
      if (own_fault && table->HoldsEvent(i) && mark.load() == guilty) {
        slot.strikes.fetch_add(1);
        journal_.counters.strikes.fetch_add(1);
      }
      mark.store(ESL_SCAN_MARK_NONE);
    }
  }
}

void Client::Delete() {
  reader_.request_stop();
  WakeReader();
  reader_.join();
  deadline_timer_.reset();
  UnmarkGroups(journal_.subscriptions.exchange(0));
  for (const std::atomic<Message*>& entry : messages_.at(0)) {
    const Message* message = entry.load();
    if (message == nullptr) continue;
    AllowUnanswered(*message, journal_.counters.allowed_unanswered,
                    std::numeric_limits<int64_t>::max());
  }
  // Nobody can begin an answer any more. Those in progress must end before the
  // number of the group can mean another file.
  while (answers_in_progress_.load() != 0) std::this_thread::yield();
  for (std::atomic<int>& fd : journal_.group_fds) {
    const UniqueFd closing(fd.exchange(-1));
  }
  Unref();
}

void Client::Unref() {
  // Owned by its references: the handle's and one per message in use, on
  // whatever thread the last of them is dropped.
  if (references_.fetch_sub(1) == 1) delete this;
}

// --- What to watch ----------------------------------------------------------

bool Client::Subscribe(std::span<const es_event_type_t> events) {
  const uint64_t bits = SubscriptionBits(events);
  if (bits == 0) return false;
  const uint64_t added = bits & ~journal_.subscriptions.load();
  if (added == 0) return true;
  for (const WatchedFileSystem& watched : watched_) {
    const UniqueFd directory(
        ::open(watched.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status = {};
    const bool same = directory.valid() &&
                      ::fstat(directory.UnsafeFd(), &status) == 0 &&
                      status.st_dev == watched.device;
    if (!same || MarkGroups(directory.UnsafeFd(), added) != 0) {
      UnmarkGroups(added);
      return false;
    }
  }
  journal_.subscriptions.fetch_or(added);
  return true;
}

bool Client::Unsubscribe(std::span<const es_event_type_t> events) {
  const uint64_t bits = SubscriptionBits(events);
  if (bits == 0) return false;
  UnmarkGroups(bits & journal_.subscriptions.fetch_and(~bits));
  return true;
}

int Client::Watch(const char* path) {
  const UniqueFd directory(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return errno;
  struct stat status = {};
  if (::fstat(directory.UnsafeFd(), &status) != 0) return errno;
  const int error =
      MarkGroups(directory.UnsafeFd(), journal_.subscriptions.load());
  if (error != 0) return error;
  const auto known =
      std::find_if(watched_.begin(), watched_.end(),
                   [path](const auto& one) { return one.path == path; });
  if (known != watched_.end()) watched_.erase(known);
  watched_.push_back({path, status.st_dev});
  return 0;
}

void Client::UnwatchAll() {
  UnmarkGroups(journal_.subscriptions.load());
  watched_.clear();
}

int Client::MarkGroups(int directory, uint64_t subscriptions) {
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    const uint64_t mask = MarkMask(kind, subscriptions);
    if (mask == 0) continue;
    const int error = MarkFileSystem(journal_.group_fd(kind), directory, mask);
    if (error != 0) return error;
  }
  return 0;
}

void Client::UnmarkGroups(uint64_t subscriptions) {
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    if (MarkMask(kind, subscriptions) == 0) continue;
    // Each group has one kind of event: none of its marks is needed now.
    (void)RemoveAllMarks(journal_.group_fd(kind));
  }
}

// --- Reading and delivering -------------------------------------------------

void Client::Read(const std::stop_token& stop) {
  SetThreadName("gh-es-reader");
  // Best effort: everybody who opens a file waits for this thread.
  (void)::setpriority(PRIO_PROCESS, 0, kReaderNice);
  DeliverAdopted();
  while (!stop.stop_requested()) {
    const ReadyGroups ready = WaitForEvents();
    // One batch of each in turn: a flood of one kind must not starve the other.
    for (const GroupKind kind :
         {GroupKind::kPermission, GroupKind::kNotification}) {
      if (ready.at(static_cast<size_t>(kind))) ReadGroup(kind);
    }
  }
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
  const ssize_t bytes = ::read(journal_.group_fd(kind), &table.raw(run.first),
                               run.count * sizeof(fanotify_event_metadata));
  if (bytes <= 0) {
    // There was an event. EAGAIN: its file is under a lease that would have to
    // be broken first, which we must not wait for; the kernel has refused it.
    if (bytes < 0 && errno != EINTR) {
      counters.read_errors.fetch_add(1);
    }
    table.CommitRun(run, 0, 0, 0);
    return;
  }
  const size_t count =
      static_cast<size_t>(bytes) / sizeof(fanotify_event_metadata);
  assert(table.raw(run.first).event_len == sizeof(fanotify_event_metadata));
  assert(table.raw(run.first).vers == FANOTIFY_METADATA_VERSION);
  // As many slots as events keep coming: each costs a little to prepare.
  batch = count == run.count ? std::min(batch * 2, kEventsPerReadMax)
                             : std::max(count, kEventsPerReadMin);
  table.CommitRun(run, count, journal_.next_sequence.fetch_add(count),
                  JournalNow());
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
      (void)AnswerEvent(journal_.group_fd(kind), raw.fd, true,
                        journal_.counters);
      journal_.counters.allowed_own_process.fetch_add(1);
    }
    table.Close(slot_index);
    return;
  }
  Deliver(kind, slot_index);
}

void Client::Deliver(GroupKind kind, size_t slot_index) {
  const Slot& slot = journal_.table(kind).slot(slot_index);
  const bool is_auth = kind == GroupKind::kPermission;
  Message& message = MessageOf(kind, slot_index);
  MessageNumbers numbers;
  numbers.of_type = type_numbers_.at(static_cast<size_t>(kind))++;
  numbers.global = global_number_++;
  if (is_auth) numbers.deadline_ns = slot.read_ns.load() + deadline_ns_.load();
  FillMessage(message, journal_.table(kind).raw(slot_index),
              is_auth ? ES_EVENT_TYPE_AUTH_OPEN : ES_EVENT_TYPE_NOTIFY_CLOSE,
              numbers, detail_.load());
  message.sequence = slot.sequence.load();
  message.answered_by_predecessor =
      is_auth && slot.state.load() == SlotState::kAnswered;
  references_.fetch_add(1);
  message.references.store(1);
  if (is_auth && !message.answered_by_predecessor) {
    message.unanswered.store(message.sequence);
    deadline_timer_->Arm();
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
Client::ReadyGroups Client::WaitForEvents() {
  // poll skips negative descriptors: a full table leaves its events with the
  // kernel until a slot is free.
  std::array<pollfd, kGroupCount + 1> waits = {};
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    waits.at(static_cast<size_t>(kind)) = {
        HasFreeSlot(kind) ? journal_.group_fd(kind) : -1, POLLIN, 0};
  }
  waits.back() = {wake_fd_.UnsafeFd(), POLLIN, 0};
  (void)::poll(waits.data(), waits.size(), -1);
  reader_waits_for_slot_.store(false);
  if (waits.back().revents != 0) {
    uint64_t wakes = 0;
    (void)!::read(wake_fd_.UnsafeFd(), &wakes, sizeof(wakes));
  }
  return {waits[0].revents != 0, waits[1].revents != 0};
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

void Client::WakeReader() {
  const uint64_t one = 1;
  (void)!::write(wake_fd_.UnsafeFd(), &one,
                 sizeof(one));  // Full: awake anyway.
}

// --- Answering --------------------------------------------------------------

bool Client::TryAnswer(const Message& message, uint64_t sequence, bool allow) {
  assert(sequence != 0);
  answers_in_progress_.fetch_add(1);
  uint64_t expected = sequence;
  const bool ours = message.unanswered.compare_exchange_strong(expected, 0);
  if (ours) {
    (void)AnswerEvent(journal_.group_fd(message.group), message.fd, allow,
                      journal_.counters);
    SlotOf(message).state.store(SlotState::kAnswered);
  }
  answers_in_progress_.fetch_sub(1);
  return ours;
}

es_respond_result_t Client::Respond(const Message& message, bool allow) {
  const uint64_t sequence = message.unanswered.load();
  if (sequence == 0 || !TryAnswer(message, sequence, allow)) {
    return ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE;
  }
  return ES_RESPOND_RESULT_SUCCESS;
}

void Client::Retain(const Message& message) {
  const uint32_t before = message.references.fetch_add(1);
  assert(before != 0);
  (void)before;
}

void Client::Release(const Message& message) {
  if (message.references.fetch_sub(1) != 1) return;
  // Nobody can answer any more: closing now would leave the opener waiting for
  // ever.
  const uint64_t sequence = message.unanswered.load();
  if (sequence != 0 && TryAnswer(message, sequence, true)) {
    journal_.counters.allowed_unanswered.fetch_add(1);
  }
  journal_.table(message.group).Close(message.slot_index);
  if (reader_waits_for_slot_.load()) WakeReader();
  Unref();
}

// Allows the opener behind `message` if he still waits and was read before
// that time, and counts it. Any thread: takes a reference while it works.
void Client::AllowUnanswered(const Message& message,
                             std::atomic<uint64_t>& counter,
                             int64_t read_before_ns) {
  const uint64_t sequence = message.unanswered.load();
  if (sequence == 0) return;
  if (SlotOf(message).read_ns.load() > read_before_ns) return;
  if (!TryRetain(message)) return;
  if (TryAnswer(message, sequence, true)) counter.fetch_add(1);
  Release(message);
}

// The last resort: by the deadline everybody has an answer.
bool Client::AnswerOverdue() {
  const int64_t read_before_ns = JournalNow() - deadline_ns_.load();
  bool waiting = false;
  for (const std::atomic<Message*>& entry : messages_.at(0)) {
    const Message* message = entry.load();
    if (message == nullptr) continue;
    AllowUnanswered(*message, journal_.counters.allowed_deadline,
                    read_before_ns);
    waiting = waiting || message->unanswered.load() != 0;
  }
  return waiting;
}

}  // namespace gatehouse
