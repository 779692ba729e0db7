#include "es_adapter/linux/client.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/file_system_facts.h"

namespace gatehouse {
namespace {

constexpr int64_t kNsPerMillisecond = 1'000'000;
// Long enough that an event and its answer cost little beside the opens that
// raise none; short, because what an ignored open does is not seen.
constexpr int64_t kIgnoredNs = 250'000'000;
constexpr uint32_t kIgnoredMax = 4096;

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

Client::Client(esl_journal_t& journal, std::unique_ptr<EventBackend> backend,
               const Handler& handler)
    : journal_(journal),
      backend_(std::move(backend)),
      sources_(backend_->MakeSources()),
      handler_(handler),
      own_pid_(::getpid()),
      open_deadline_ns_(kOpenDeadlineMilliseconds * kNsPerMillisecond),
      exec_deadline_ns_(kExecDeadlineMilliseconds * kNsPerMillisecond),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      recorder_(journal.counters) {
  for (std::vector<std::atomic<Message*>>& messages : messages_) {
    messages = std::vector<std::atomic<Message*>>(journal_.permission.size());
  }
}

Client* Client::Create(esl_journal_t& journal,
                       std::unique_ptr<EventBackend> backend,
                       const Handler& handler, bool own_fault,
                       es_new_client_result_t* result) {
  std::unique_ptr<Client, void (*)(Client*)> client(
      new Client(journal, std::move(backend), handler),
      [](Client* self) { delete self; });  // Else it deletes itself.
  if (!client->wake_fd_.valid()) {
    *result = ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
    return nullptr;
  }
  *result = client->backend_->Open();
  if (*result != ES_NEW_CLIENT_RESULT_SUCCESS) return nullptr;
  client->Adopt(own_fault);
  // What a predecessor let the kernel ignore, we know nothing of.
  client->backend_->StopIgnoringAll();
  return client.release();
}

void Client::Start() {
  if (backend_->IsStepped()) {
    backend_->Prepare();
    return;
  }
  deadline_timer_ =
      std::make_unique<IdleTicker>("gh-es-deadline", kDeadlineTimerPeriod,
                                   [this] { return AnswerOverdue(); });
  backend_->Prepare();
  reader_ = std::jthread([this](const std::stop_token& stop) { Read(stop); });
}

// Turns what a predecessor left into something to deliver, and gives strikes.
void Client::Adopt(bool own_fault) {
  if (sources_ != nullptr) {
    journal_.counters.adopted.fetch_add(sources_->Recover());
  }
  const int64_t now_ns = backend_->Now();
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
  if (reader_.joinable()) reader_.join();
  deadline_timer_.reset();
  UnmarkGroups(journal_.subscriptions.exchange(0));
  for (const std::atomic<Message*>& entry : messages_.at(0)) {
    const Message* message = entry.load();
    if (message == nullptr) continue;
    if (AnswerUnanswered(*message, std::numeric_limits<int64_t>::max(),
                         AnswerSource::kUnanswered)) {
      journal_.counters.allowed_unanswered.fetch_add(1);
    }
  }
  RunSyncMarkers();  // Nothing comes any more.
  // Nobody can begin an answer any more. Those in progress must end before the
  // number of the group can mean another file.
  while (answers_in_progress_.load() != 0) std::this_thread::yield();
  (void)recorder_.Stop();
  backend_->Close();
  if (sources_ != nullptr) sources_->Close();
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
  if (!EnableSources(added)) return false;
  for (const WatchedFileSystem& watched : watched_) {
    const UniqueFd directory(
        ::open(watched.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status = {};
    const bool same = directory.valid() &&
                      ::fstat(directory.UnsafeFd(), &status) == 0 &&
                      status.st_dev == watched.device;
    // The names group has one mask for all of its events.
    if (!same ||
        MarkGroups(directory.UnsafeFd(), watched.path.c_str(), added) != 0) {
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
  const uint64_t left = journal_.subscriptions.fetch_and(~bits) & ~bits;
  // A group keeps its marks for what is left: what comes of the rest is allowed
  // unseen. To mark again would leave a gap.
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    if (MarkMask(kind, bits) != 0 && MarkMask(kind, left) == 0) {
      backend_->RemoveAllMarks(kind);
    }
  }
  if (sources_ != nullptr) sources_->Disable(bits, left);
  return true;
}

void Client::ReportStarts(bool reports) {
  if (reports) {
    journal_.subscriptions.fetch_or(kReportsStarts);
  } else {
    journal_.subscriptions.fetch_and(~kReportsStarts);
  }
}

int Client::Watch(const char* path) {
  const UniqueFd directory(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return errno;
  struct stat status = {};
  if (::fstat(directory.UnsafeFd(), &status) != 0) return errno;
  const int error =
      MarkGroups(directory.UnsafeFd(), path, journal_.subscriptions.load());
  if (error != 0) return error;
  const auto known =
      std::find_if(watched_.begin(), watched_.end(),
                   [path](const auto& one) { return one.path == path; });
  if (known != watched_.end()) watched_.erase(known);
  watched_.push_back({path, status.st_dev});
  return 0;
}

int Client::WatchOpen(int directory, const char* path) {
  return MarkGroups(directory, path, journal_.subscriptions.load());
}

void Client::UnwatchAll() {
  UnmarkGroups(journal_.subscriptions.load());
  if (sources_ != nullptr) sources_->UnwatchAll();
  watched_.clear();
}

int Client::MarkGroups(int directory, const char* path,
                       uint64_t subscriptions) {
  StopIgnoringAll();
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    const uint64_t mask = MarkMask(kind, subscriptions);
    if (mask == 0) continue;
    const int error = backend_->Mark(kind, directory, mask);
    if (error != 0) return error;
  }
  return sources_ == nullptr ? 0
                             : sources_->Watch(directory, path, subscriptions);
}

void Client::UnmarkGroups(uint64_t subscriptions) {
  StopIgnoringAll();
  for (const GroupKind kind :
       {GroupKind::kPermission, GroupKind::kNotification}) {
    if (MarkMask(kind, subscriptions) == 0) continue;
    backend_->RemoveAllMarks(kind);
  }
  if (sources_ != nullptr) sources_->Disable(subscriptions, 0);
}

// --- Answering --------------------------------------------------------------

bool Client::TryAnswer(const Message& message, uint64_t sequence, bool allow,
                       AnswerSource source) {
  assert(sequence != 0);
  answers_in_progress_.fetch_add(1);
  uint64_t expected = sequence;
  const bool ours = message.unanswered.compare_exchange_strong(expected, 0);
  if (ours) {
    // Before the answer: who gets it may ask for the next file at once.
    if (recorder_.active()) {
      recorder_.Answer(message, allow, source, backend_->Now());
    }
    backend_->Answer(message.group, message.fd, allow, source);
    SlotOf(message).state.store(SlotState::kAnswered);
  }
  answers_in_progress_.fetch_sub(1);
  return ours;
}

es_respond_result_t Client::Respond(const Message& message, uint32_t flags,
                                    bool keep) {
  const uint64_t sequence = message.unanswered.load();
  if (sequence == 0 ||
      !TryAnswer(message, sequence, IsAuthorized(message, flags),
                 AnswerSource::kClient)) {
    return ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE;
  }
  if (keep) Keep(message, flags);
  return ES_RESPOND_RESULT_SUCCESS;
}

// Somebody holds the message, so that its file is open still.
void Client::Keep(const Message& message, uint32_t flags) {
  struct stat now = {};
  timespec clock = {};
  (void)::clock_gettime(CLOCK_REALTIME, &clock);  // Cannot fail.
  const AnswerCache::Question question = QuestionOf(message);
  const bool is_settled =
      message.has_process && !message.had_writer &&
      question.executable.inode != 0 &&
      IsSettled(question.target, Nanoseconds(clock)) &&
      TellsWriters(message.fd) && !backend_->HasWriter(message.fd) &&
      ::fstat(message.fd, &now) == 0 && StateOf(now) == question.target;
  if (is_settled) answers_.Keep(question, flags, backend_->Now());
}

void Client::ExpectOpen(const Message& message) {
  if (message.es.event_type != ES_EVENT_TYPE_AUTH_EXEC) return;
  expected_opens_.Expect(audit_token_to_pid(message.process.audit_token),
                         StateOf(message.target.stat), backend_->Now());
}

AnswerCache::Question Client::QuestionOf(const Message& message) {
  return {message.es.event_type, StateOf(message.executable.stat),
          StateOf(message.target.stat)};
}

void Client::IgnoreOpens(const Message& message) {
  if (ignored_.load() >= kIgnoredMax) {
    journal_.counters.ignored_full.fetch_add(1);
    return;
  }
  // Counted before it is there: who forgets all of them forgets this one, or
  // will come again.
  if (ignored_.fetch_add(1) == 0) ignored_since_ns_.store(backend_->Now());
  backend_->IgnoreOpens(message.fd);
  // A file that was truncated by its name before that is not what was judged;
  // from here on the kernel sees to it.
  const std::optional<FileLook> now = LookAt(message.fd);
  if (!now || now->state != StateOf(message.target.stat)) {
    backend_->StopIgnoring(message.fd);
    return;
  }
  journal_.counters.ignored.fetch_add(1);
  deadline_timer_->Arm();
}

void Client::StopIgnoringAll() {
  if (ignored_.exchange(0) != 0) backend_->StopIgnoringAll();
}

bool Client::IsAuthorized(const Message& message, uint32_t flags) {
  if (message.es.event_type != ES_EVENT_TYPE_AUTH_OPEN) return flags != 0;
  const auto wanted = static_cast<uint32_t>(message.es.event.open.fflag);
  return (wanted & ~flags) == 0;
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
  if (sequence != 0 &&
      TryAnswer(message, sequence, true, AnswerSource::kUnanswered)) {
    journal_.counters.allowed_unanswered.fetch_add(1);
  }
  if (message.parts != nullptr) {
    sources_->Free(message);
  } else {
    journal_.table(message.group).Close(message.slot_index);
  }
  if (reader_waits_for_slot_.load()) WakeReader();
  Unref();
}

// Answers the opener behind `message` if he still waits and his deadline has
// come, and returns whether he was allowed; nothing if somebody else answers.
// Any thread: takes a reference while it works.
std::optional<bool> Client::AnswerUnanswered(const Message& message,
                                             int64_t now_ns,
                                             AnswerSource source) {
  const uint64_t sequence = message.unanswered.load();
  if (sequence == 0) return std::nullopt;
  if (message.deadline_ns.load() > now_ns) return std::nullopt;
  if (!TryRetain(message)) return std::nullopt;
  // Only who holds it may look into it: the reader fills it again, and what the
  // last event was to be answered is not what this one is.
  const bool allow = source != AnswerSource::kDeadline || FailsOpen(message);
  const bool ours = TryAnswer(message, sequence, allow, source);
  Release(message);
  return ours ? std::optional(allow) : std::nullopt;
}

// What the last resort answers a message that the caller holds. One that fails
// closed does so only while its client wants the event: the circuit breaker
// unsubscribes.
bool Client::FailsOpen(const Message& message) const {
  if (miss_mode_.load() == ES_DEADLINE_MISS_MODE_FAIL_CLOSED) return false;
  if (!message.fails_closed.load()) return true;
  const KnownEvent* event = FindKnownEvent(message.es.event_type);
  return event == nullptr || (subscriptions() & event->subscription) == 0;
}

// The last resort: by the deadline everybody has an answer.
bool Client::AnswerOverdue() {
  const es_deadline_miss_mode_t mode = miss_mode_.load();
  const int64_t now_ns = backend_->Now();
  bool waiting = false;
  for (const std::atomic<Message*>& entry : messages_.at(0)) {
    const Message* message = entry.load();
    if (message == nullptr) continue;
    const std::optional<bool> allowed =
        AnswerUnanswered(*message, now_ns, AnswerSource::kDeadline);
    if (allowed) {
      (*allowed ? journal_.counters.allowed_deadline
                : journal_.counters.denied_deadline)
          .fetch_add(1);
      if (mode == ES_DEADLINE_MISS_MODE_KILL) (void)::kill(own_pid_, SIGKILL);
    }
    waiting = waiting || message->unanswered.load() != 0;
  }
  if (ignored_.load() == 0) return waiting;
  if (now_ns - ignored_since_ns_.load() >= kIgnoredNs) StopIgnoringAll();
  return true;
}

std::atomic<int64_t>* Client::DeadlineOf(es_event_type_t type) {
  if (type == ES_EVENT_TYPE_AUTH_OPEN) return &open_deadline_ns_;
  if (type == ES_EVENT_TYPE_AUTH_EXEC) return &exec_deadline_ns_;
  return nullptr;
}

void Client::Sync(void* context, void (*function)(void*)) {
  {
    const MutexLock lock(sync_mutex_);
    sync_markers_.push_back({context, function});
  }
  WakeReader();
}

bool Client::IsResponding() {
  const uint64_t rounds = rounds_.load(std::memory_order_relaxed);
  const bool reads = rounds != seen_rounds_;
  seen_rounds_ = rounds;
  WakeReader();  // A round to be seen by the next call.
  const bool keeps_time = deadline_timer_->IsResponding();
  return reads && keeps_time;
}

void Client::WakeReader() {
  const uint64_t one = 1;
  (void)!::write(wake_fd_.UnsafeFd(), &one,
                 sizeof(one));  // Full: awake anyway.
}

}  // namespace gatehouse
