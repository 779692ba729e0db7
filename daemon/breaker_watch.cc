#include "daemon/breaker_watch.h"

#include <chrono>

#include "daemon/utc_text.h"
#include "es_adapter/deadline.h"

namespace gatehouse {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Of the events that have the longest one.
constexpr seconds kLongestDeadline{5};

const char* CauseText(BreakerCause cause) {
  switch (cause) {
    case BreakerCause::kNone:
      return "";
    case BreakerCause::kMisses:
      return "too many of them got no verdict in time";
    case BreakerCause::kWait:
      return "one of them waited for far too long";
  }
  return "";
}

}  // namespace

BreakerWatch::BreakerWatch(const Parts& parts)
    : parts_(parts),
      breaker_(AnswerBudget(kLongestDeadline), parts.options.breaker_calm) {}

void BreakerWatch::Start() {
  BreakerRecord& record = parts_.shared.breaker;
  const BreakerCause cause = record.cause.load();
  if (cause == BreakerCause::kNone) return;
  {
    const MutexLock lock(mutex_);
    breaker_.Resume(cause, record.doublings.load(), MonotonicClock::now());
  }
  parts_.protection.SetDegraded(true);
}

// Of what is held there is nobody else who answers without a verdict because of
// the time: worker, ledger and library.
CircuitBreaker::Observation BreakerWatch::Look() const {
  esl_statistics_t source = {};
  esl_journal_statistics(parts_.journal, &source);
  const AuthStatistics& auth = parts_.shared.auth;
  CircuitBreaker::Observation seen;
  // Those of the ledger; and those of the library, which are never a user's
  // doing.
  seen.misses = auth.tallied_misses.load() + source.allowed_deadline +
                source.denied_deadline;
  seen.longest_wait = nanoseconds(esl_journal_longest_wait_ns(parts_.journal));
  return seen;
}

void BreakerWatch::Step() {
  const CircuitBreaker::Observation seen = Look();
  bool is_open = false;
  {
    const MutexLock lock(mutex_);
    const bool was_open = breaker_.is_open();
    breaker_.Observe(seen, MonotonicClock::now());
    is_open = breaker_.is_open();
    if (is_open == was_open) return;
    BreakerRecord& record = parts_.shared.breaker;
    record.doublings.store(breaker_.doublings());
    if (is_open) {
      record.since_ms.store(WallClockMilliseconds());
      record.openings.fetch_add(1);
    }
    record.cause.store(breaker_.cause());
  }
  OnChange(is_open);
}

void BreakerWatch::OnChange(bool is_open) {
  // Whoever is held fails open from now on, before the marks go.
  parts_.shared.miss.is_degraded.store(is_open);
  parts_.protection.SetDegraded(is_open);
  if (is_open) {
    parts_.log.Log(Severity::kError, "circuit breaker open",
                   {{"reason", Issue()}});
  } else {
    parts_.log.Log(Severity::kInfo, "circuit breaker closed", {});
  }
}

std::string BreakerWatch::Issue() const {
  const MutexLock lock(mutex_);
  if (!breaker_.is_open()) return {};
  // Rounded up: the last moment is not nothing.
  const auto left = duration_cast<seconds>(
      breaker_.CalmLeft(MonotonicClock::now()) + seconds(1) - nanoseconds(1));
  return std::string("opens and program starts are not held: ") +
         CauseText(breaker_.cause()) + "; circuit breaker open since " +
         UtcText(parts_.shared.breaker.since_ms.load()) + ", closes after " +
         std::to_string(left.count()) + " s of calm";
}

}  // namespace gatehouse
