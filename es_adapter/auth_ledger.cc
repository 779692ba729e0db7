#include "es_adapter/auth_ledger.h"

#include <cassert>
#include <utility>

#include "es_adapter/event_file.h"

namespace gatehouse {

// The race. An entry has one atomic word: a round number, which changes each
// time the entry is used, and a phase. Verdict and timer both leave kPending by
// one atomic exchange; who succeeds answers.
//
//   kPending --verdict--> kSettled: the verdict answers and frees the entry.
//   kPending --timer--> kAnswering --timer, after the answer--> kAnswered
//   kAnswered --verdict--> kSettled: too late; the verdict frees the entry.
//   kAnswering --verdict--> kSettled: too late; the timer is in the middle of
//     its answer, finds the phase changed, and frees the entry.
//
// The round keeps the timer from answering the next user of an entry with what
// it knew of the last one.

namespace {

constexpr uint64_t kPhaseBits = 2;
constexpr uint64_t kPhaseMask = (1U << kPhaseBits) - 1;

enum Phase : uint64_t { kSettled, kPending, kAnswering, kAnswered };

constexpr uint64_t Word(uint64_t round, Phase phase) {
  return round << kPhaseBits | phase;
}

constexpr uint32_t kIndexBits = 16;
constexpr uint64_t kIndexMask = (1U << kIndexBits) - 1;

}  // namespace

struct AuthLedger::Entry {
  std::atomic<uint64_t> word{Word(0, kSettled)};
  std::atomic<int64_t> answer_by_ns{0};
  // Written before kPending is stored, read by whoever leaves kPending.
  es_client_t* client = nullptr;
  const es_message_t* message = nullptr;
  bool may_fail_closed = false;
  uid_t owner = 0;  // Of the file.
};

bool IsAllowed(const Verdict& verdict, OnMiss on_miss) {
  if (verdict.kind == VerdictKind::kInfected) return false;
  return on_miss == OnMiss::kFailOpen || !IsMiss(verdict);
}

void CountAnswer(const Verdict& verdict, OnMiss on_miss,
                 AuthStatistics& statistics) {
  const bool is_allowed = IsAllowed(verdict, on_miss);
  switch (verdict.kind) {
    case VerdictKind::kClean:
      statistics.allowed_clean.fetch_add(1);
      return;
    case VerdictKind::kInfected:
      statistics.denied_infected.fetch_add(1);
      return;
    case VerdictKind::kSuspicious:
      statistics.allowed_suspicious.fetch_add(1);
      return;
    case VerdictKind::kNotScanned:
      (is_allowed ? statistics.allowed_by_reason : statistics.denied_by_reason)
          .at(static_cast<size_t>(verdict.reason))
          .fetch_add(1);
      return;
    case VerdictKind::kError:
      (is_allowed ? statistics.allowed_error : statistics.denied_error)
          .fetch_add(1);
      return;
  }
}

void RespondNow(es_client_t* client, const es_message_t& message,
                const Verdict& verdict, AuthStatistics& statistics,
                OnMiss on_miss) {
  const bool allow = IsAllowed(verdict, on_miss);
  // Before the answer: the kernel asks again at once.
  if (verdict.kind == VerdictKind::kClean) ExpectOpen(message);
  // All flags, never the event's own: what is cached must not deny a wider
  // open later.
  const es_respond_result_t result =
      message.event_type == ES_EVENT_TYPE_AUTH_OPEN
          ? es_respond_flags_result(client, &message, allow ? UINT32_MAX : 0,
                                    false)
          : es_respond_auth_result(
                client, &message,
                allow ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY, false);
  if (result == ES_RESPOND_RESULT_SUCCESS) {
    CountAnswer(verdict, on_miss, statistics);
  } else {
    statistics.responses_refused.fetch_add(1);
  }
}

AuthLedger::AuthLedger(size_t tickets_max, AuthStatistics& statistics,
                       Clock clock, const MissPolicy* policy,
                       AnswerObserver observer)
    : statistics_(statistics),
      clock_(clock),
      policy_(policy),
      observer_(std::move(observer)),
      entries_(tickets_max) {
  assert(tickets_max > 0 && tickets_max <= kIndexMask + 1);
  free_.reserve(tickets_max);
  for (size_t i = tickets_max; i > 0; --i) {
    free_.push_back(static_cast<uint32_t>(i - 1));
  }
  if (clock_.is_virtual()) return;
  timer_ = std::make_unique<IdleTicker>("gh-ledger", kTimerPeriod,
                                        [this] { return AnswerOverdue(); });
}

AuthLedger::~AuthLedger() {
  timer_.reset();                   // It may be about to let go of an entry.
  assert(open_count_.load() == 0);  // A ticket would point to nowhere.
}

AuthTicket AuthLedger::Issue(es_client_t* client, const es_message_t& message,
                             MonotonicTime answer_by, bool may_fail_closed,
                             uid_t owner) {
  uint32_t index = 0;
  {
    const MutexLock lock(mutex_);
    if (free_.empty()) return {};
    index = free_.back();
    free_.pop_back();
  }
  es_retain_message(&message);
  Entry& entry = entries_.at(index);
  entry.client = client;
  entry.message = &message;
  entry.may_fail_closed = may_fail_closed;
  entry.owner = owner;
  entry.answer_by_ns.store(answer_by.time_since_epoch().count());
  const uint64_t round = (entry.word.load() >> kPhaseBits) + 1;
  entry.word.store(Word(round, kPending));
  open_count_.fetch_add(1);
  statistics_.tickets_issued.fetch_add(1);
  if (timer_ != nullptr) timer_->Arm();
  return {*this, round << kIndexBits | index};
}

bool AuthLedger::Settle(uint64_t ticket_number, const Verdict& verdict) {
  const bool was_first = SettleWith(ticket_number, verdict);
  if (!was_first) {
    statistics_.late_verdicts.fetch_add(1);
    if (!IsAllowed(verdict)) statistics_.late_infected.fetch_add(1);
  }
  return was_first;
}

void AuthLedger::Dropped(uint64_t ticket_number) {
  statistics_.tickets_dropped.fetch_add(1);
  (void)SettleWith(ticket_number,
                   Verdict::NotScanned(NotScannedReason::kCancelled));
}

bool AuthLedger::SettleWith(uint64_t ticket_number, const Verdict& verdict) {
  Entry& entry = entries_.at(ticket_number & kIndexMask);
  const uint64_t round = ticket_number >> kIndexBits;
  const uint64_t before = entry.word.exchange(Word(round, kSettled));
  assert(before >> kPhaseBits == round);
  switch (static_cast<Phase>(before & kPhaseMask)) {
    case kPending:
      Respond(entry, verdict);
      Free(entry);
      return true;
    case kAnswered:
      Free(entry);
      return false;
    case kAnswering:
      return false;  // The timer frees the entry when it is done.
    case kSettled:
      assert(false);  // A ticket settles once.
  }
  return false;
}

void AuthLedger::Respond(const Entry& entry, const Verdict& verdict) {
  if (verdict.reason == NotScannedReason::kDeadline &&
      tally_.Counts(entry.owner, clock_.now())) {
    statistics_.tallied_misses.fetch_add(1);
  }
  if (observer_) observer_(*entry.message, verdict);
  const bool fails_closed =
      entry.may_fail_closed && policy_ != nullptr && !policy_->MustFailOpen();
  RespondNow(entry.client, *entry.message, verdict, statistics_,
             fails_closed ? OnMiss::kFailClosed : OnMiss::kFailOpen);
}

void AuthLedger::Free(Entry& entry) {
  const es_message_t* message = entry.message;
  entry.message = nullptr;
  entry.client = nullptr;
  {
    const MutexLock lock(mutex_);
    free_.push_back(static_cast<uint32_t>(&entry - entries_.data()));
  }
  open_count_.fetch_sub(1);
  es_release_message(message);
}

bool AuthLedger::AnswerOverdue() {
  if (open_count_.load() == 0) return false;
  const int64_t now_ns = clock_.now().time_since_epoch().count();
  for (Entry& entry : entries_) {
    const uint64_t word = entry.word.load();
    if ((word & kPhaseMask) != kPending) continue;
    if (entry.answer_by_ns.load() > now_ns) continue;
    const uint64_t round = word >> kPhaseBits;
    uint64_t expected = word;
    if (!entry.word.compare_exchange_strong(expected,
                                            Word(round, kAnswering))) {
      continue;
    }
    Respond(entry, Verdict::NotScanned(NotScannedReason::kDeadline));
    expected = Word(round, kAnswering);
    if (!entry.word.compare_exchange_strong(expected, Word(round, kAnswered))) {
      Free(entry);  // The verdict came meanwhile and left this to us.
    }
  }
  return true;
}

}  // namespace gatehouse
