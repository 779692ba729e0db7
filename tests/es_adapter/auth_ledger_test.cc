#include "es_adapter/auth_ledger.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/becomes_true.h"
#include "tests/es_adapter/fake_es.h"
#include "tests/temp_dir.h"

namespace gatehouse {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""ms;

Verdict Of(VerdictKind kind) {
  Verdict verdict;
  verdict.kind = kind;
  return verdict;
}

uint64_t ByReason(const AuthStatistics& statistics, NotScannedReason reason) {
  return statistics.allowed_by_reason.at(static_cast<size_t>(reason)).load();
}

// All that is ever counted as an answer.
uint64_t Answers(const AuthStatistics& statistics) {
  uint64_t sum =
      statistics.allowed_clean.load() + statistics.denied_infected.load() +
      statistics.allowed_suspicious.load() + statistics.allowed_error.load();
  for (const auto& count : statistics.allowed_by_reason) sum += count.load();
  return sum;
}

class AuthLedgerTest : public testing::Test {
 protected:
  static MonotonicTime Soon(std::chrono::milliseconds left) {
    return MonotonicClock::now() + left;
  }
  AuthTicket Issue(FakeMessage& message, MonotonicTime answer_by) {
    return ledger_.Issue(nullptr, message.es, answer_by);
  }
  // A ticket whose policy answer has gone out.
  AuthTicket IssueOverdue(FakeMessage& message) {
    AuthTicket ticket = Issue(message, Soon(0ms));
    EXPECT_TRUE(BecomesTrue([&] {
      return ByReason(statistics_, NotScannedReason::kDeadline) == 1;
    }));
    return ticket;
  }

  // The timer may be in the middle of an answer when a test ends: they outlive
  // the ledger.
  FakeMessage message_;
  FakeMessage second_;
  FakeMessage third_;
  AuthStatistics statistics_;
  AuthLedger ledger_{2, statistics_};
};

TEST_F(AuthLedgerTest, AnswersWithTheVerdict) {
  AuthTicket ticket = Issue(message_, Soon(1h));
  ASSERT_TRUE(ticket.pending());
  EXPECT_EQ(message_.answers(), 0U);
  EXPECT_TRUE(ticket.Settle(Of(VerdictKind::kClean)));
  EXPECT_EQ(message_.allows.load(), 1U);
  EXPECT_EQ(message_.denies.load(), 0U);
  EXPECT_EQ(statistics_.allowed_clean.load(), 1U);
  EXPECT_EQ(statistics_.late_verdicts.load(), 0U);
}

TEST(AuthLedgerClockTest, AnswersByAVirtualClockWhenItIsAsked) {
  FakeMessage message;
  AuthStatistics statistics;
  VirtualTime time;
  AuthLedger ledger(1, statistics, Clock(time));
  const MonotonicTime answer_by = MonotonicTime(10ms);
  AuthTicket ticket = ledger.Issue(nullptr, message.es, answer_by);

  time.AdvanceTo(answer_by - std::chrono::nanoseconds(1));
  EXPECT_TRUE(ledger.AnswerOverdue());
  EXPECT_EQ(message.answers(), 0U);
  time.AdvanceTo(answer_by);
  EXPECT_EQ(message.answers(), 0U);
  EXPECT_TRUE(ledger.AnswerOverdue());
  EXPECT_EQ(message.allows.load(), 1U);
  EXPECT_EQ(ByReason(statistics, NotScannedReason::kDeadline), 1U);

  EXPECT_FALSE(ticket.Settle(Of(VerdictKind::kInfected)));
  EXPECT_EQ(message.answers(), 1U);
  EXPECT_FALSE(ledger.AnswerOverdue());
}

TEST(VirtualTimeTest, NeverGoesBackwards) {
  VirtualTime time;
  const Clock clock(time);
  EXPECT_TRUE(clock.is_virtual());
  EXPECT_EQ(clock.now(), MonotonicTime(0ms));
  time.AdvanceTo(MonotonicTime(2ms));
  time.AdvanceTo(MonotonicTime(1ms));
  EXPECT_EQ(clock.now(), MonotonicTime(2ms));
}

TEST_F(AuthLedgerTest, DeniesWhatIsInfected) {
  EXPECT_TRUE(Issue(message_, Soon(1h)).Settle(Of(VerdictKind::kInfected)));
  EXPECT_EQ(message_.denies.load(), 1U);
  EXPECT_EQ(statistics_.denied_infected.load(), 1U);
}

TEST_F(AuthLedgerTest, AllowsAndCountsEveryOtherVerdictByItsKind) {
  EXPECT_TRUE(Issue(message_, kNever).Settle(Of(VerdictKind::kSuspicious)));
  EXPECT_TRUE(Issue(message_, kNever).Settle(Of(VerdictKind::kError)));
  EXPECT_TRUE(Issue(message_, kNever)
                  .Settle(Verdict::NotScanned(NotScannedReason::kTimeLimit)));
  EXPECT_EQ(message_.allows.load(), 3U);
  EXPECT_EQ(statistics_.allowed_suspicious.load(), 1U);
  EXPECT_EQ(statistics_.allowed_error.load(), 1U);
  EXPECT_EQ(ByReason(statistics_, NotScannedReason::kTimeLimit), 1U);
  EXPECT_EQ(Answers(statistics_), 3U);
  EXPECT_EQ(statistics_.tickets_issued.load(), 3U);
}

TEST_F(AuthLedgerTest, AnswersProgramStartsWithAResultInsteadOfFlags) {
  message_.es.event_type = ES_EVENT_TYPE_AUTH_EXEC;
  EXPECT_TRUE(Issue(message_, Soon(1h)).Settle(Of(VerdictKind::kClean)));
  EXPECT_TRUE(Issue(message_, Soon(1h)).Settle(Of(VerdictKind::kInfected)));
  EXPECT_EQ(message_.allows.load(), 1U);
  EXPECT_EQ(message_.denies.load(), 1U);
  EXPECT_EQ(message_.auth_results.load(), 2U);
}

TEST_F(AuthLedgerTest, NeverAsksForTheAnswerToBeCached) {
  EXPECT_TRUE(Issue(message_, Soon(1h)).Settle(Of(VerdictKind::kClean)));
  EXPECT_TRUE(Issue(message_, Soon(1h)).Settle(Of(VerdictKind::kInfected)));
  EXPECT_EQ(message_.cached.load(), 0U);
}

TEST_F(AuthLedgerTest, KeepsTheMessageUntilTheTicketIsSettled) {
  AuthTicket ticket = Issue(message_, Soon(1h));
  EXPECT_EQ(message_.retains.load(), 1U);
  EXPECT_EQ(message_.releases.load(), 0U);
  EXPECT_TRUE(ticket.Settle(Of(VerdictKind::kClean)));
  EXPECT_EQ(message_.releases.load(), 1U);
  EXPECT_EQ(message_.unretained_uses.load(), 0U);
}

TEST_F(AuthLedgerTest, AllowsWhenTheDeadlineComesFirst) {
  AuthTicket ticket = IssueOverdue(message_);
  EXPECT_EQ(message_.allows.load(), 1U);
  EXPECT_FALSE(ticket.Settle(Of(VerdictKind::kClean)));
  EXPECT_EQ(message_.answers(), 1U);
  EXPECT_EQ(statistics_.late_verdicts.load(), 1U);
  EXPECT_EQ(statistics_.late_infected.load(), 0U);
  EXPECT_EQ(statistics_.allowed_clean.load(), 0U);
}

TEST_F(AuthLedgerTest, AllowsOnceHoweverLongTheVerdictTakes) {
  AuthTicket first_ticket = IssueOverdue(message_);
  // Its answer means that the timer has come by again.
  AuthTicket second_ticket = Issue(second_, Soon(0ms));
  ASSERT_TRUE(BecomesTrue([&] { return second_.allows.load() == 1; }));
  EXPECT_EQ(message_.answers(), 1U);
  EXPECT_FALSE(first_ticket.Settle(Of(VerdictKind::kClean)));
  EXPECT_FALSE(second_ticket.Settle(Of(VerdictKind::kClean)));
}

TEST_F(AuthLedgerTest, CountsAnInfectedFileThatWasAllowedAtTheDeadline) {
  AuthTicket ticket = IssueOverdue(message_);
  EXPECT_FALSE(ticket.Settle(Of(VerdictKind::kInfected)));
  EXPECT_EQ(message_.denies.load(), 0U);
  EXPECT_EQ(statistics_.late_infected.load(), 1U);
  EXPECT_EQ(statistics_.denied_infected.load(), 0U);
}

TEST_F(AuthLedgerTest, KeepsTheMessageOfALateVerdictUntilItComes) {
  AuthTicket ticket = IssueOverdue(message_);
  EXPECT_EQ(message_.releases.load(), 0U);
  EXPECT_FALSE(ticket.Settle(Of(VerdictKind::kClean)));
  EXPECT_TRUE(BecomesTrue([&] { return message_.releases.load() == 1; }));
}

TEST_F(AuthLedgerTest, AVerdictInTheMiddleOfThePolicyAnswerIsLate) {
  message_.hold.store(true);
  AuthTicket ticket = Issue(message_, Soon(0ms));
  ASSERT_TRUE(BecomesTrue([&] { return message_.allows.load() == 1; }));
  EXPECT_FALSE(ticket.Settle(Of(VerdictKind::kInfected)));
  EXPECT_EQ(message_.answers(), 1U);
  // The timer still uses the message; it lets go when it is done.
  EXPECT_EQ(message_.releases.load(), 0U);
  message_.hold.store(false);
  message_.hold.notify_all();
  EXPECT_TRUE(BecomesTrue([&] { return message_.releases.load() == 1; }));
  EXPECT_EQ(message_.answers(), 1U);
}

TEST_F(AuthLedgerTest, IsBusyUntilTheLastAnswerIsThrough) {
  message_.hold.store(true);
  EXPECT_FALSE(ledger_.busy());
  AuthTicket ticket = Issue(message_, Soon(0ms));
  EXPECT_TRUE(ledger_.busy());
  ASSERT_TRUE(BecomesTrue([&] { return message_.allows.load() == 1; }));
  EXPECT_FALSE(ticket.Settle(Of(VerdictKind::kClean)));
  EXPECT_TRUE(ledger_.busy());  // The timer is still at it.
  message_.hold.store(false);
  message_.hold.notify_all();
  EXPECT_TRUE(BecomesTrue([&] { return !ledger_.busy(); }));
}

TEST_F(AuthLedgerTest, DoesNotAnswerBeforeItIsTime) {
  AuthTicket waiting = Issue(message_, Soon(1h));
  AuthTicket overdue = IssueOverdue(second_);
  EXPECT_EQ(message_.answers(), 0U);
  EXPECT_TRUE(waiting.Settle(Of(VerdictKind::kClean)));
  EXPECT_FALSE(overdue.Settle(Of(VerdictKind::kClean)));
}

TEST_F(AuthLedgerTest, ADroppedTicketIsAllowedAndCounted) {
  { const AuthTicket ticket = Issue(message_, Soon(1h)); }
  EXPECT_EQ(message_.allows.load(), 1U);
  EXPECT_EQ(message_.releases.load(), 1U);
  EXPECT_EQ(statistics_.tickets_dropped.load(), 1U);
  EXPECT_EQ(ByReason(statistics_, NotScannedReason::kCancelled), 1U);
}

TEST_F(AuthLedgerTest, ATicketDroppedAfterTheDeadlineIsNotAnsweredAgain) {
  { const AuthTicket ticket = IssueOverdue(message_); }
  EXPECT_EQ(message_.answers(), 1U);
  EXPECT_TRUE(BecomesTrue([&] { return message_.releases.load() == 1; }));
  EXPECT_EQ(statistics_.tickets_dropped.load(), 1U);
  EXPECT_EQ(Answers(statistics_), 1U);
}

TEST_F(AuthLedgerTest, IssuesAnEmptyTicketWhenEveryEntryIsTaken) {
  AuthTicket first_ticket = Issue(message_, Soon(1h));
  AuthTicket second_ticket = Issue(second_, Soon(1h));
  EXPECT_FALSE(Issue(third_, Soon(1h)).pending());
  EXPECT_EQ(third_.retains.load(), 0U);
  EXPECT_EQ(statistics_.tickets_issued.load(), 2U);

  EXPECT_TRUE(first_ticket.Settle(Of(VerdictKind::kClean)));
  AuthTicket third_ticket = Issue(third_, Soon(1h));
  ASSERT_TRUE(third_ticket.pending());
  EXPECT_TRUE(third_ticket.Settle(Of(VerdictKind::kInfected)));
  EXPECT_EQ(third_.denies.load(), 1U);
  EXPECT_EQ(second_.answers(), 0U);
  EXPECT_TRUE(second_ticket.Settle(Of(VerdictKind::kClean)));
}

TEST_F(AuthLedgerTest, AnEntryServesManyTicketsOneAfterTheOther) {
  std::vector<FakeMessage> messages(1000);
  for (FakeMessage& message : messages) {
    EXPECT_TRUE(Issue(message, Soon(1h)).Settle(Of(VerdictKind::kClean)));
  }
  for (const FakeMessage& message : messages) {
    ASSERT_EQ(message.allows.load(), 1U);
    ASSERT_EQ(message.releases.load(), 1U);
  }
}

TEST_F(AuthLedgerTest, CountsAnAnswerThatWasRefused) {
  message_.result.store(ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
  EXPECT_TRUE(Issue(message_, Soon(1h)).Settle(Of(VerdictKind::kClean)));
  EXPECT_EQ(statistics_.responses_refused.load(), 1U);
  EXPECT_EQ(Answers(statistics_), 0U);
  EXPECT_EQ(message_.releases.load(), 1U);
}

class StrictLedgerTest : public testing::Test {
 protected:
  StrictLedgerTest() {
    settings_.profile.store(MissProfile::kStrict);
    message_.es.event_type = ES_EVENT_TYPE_AUTH_EXEC;
  }
  AuthTicket Issue(MonotonicTime answer_by, bool may_fail_closed) {
    return ledger_.Issue(nullptr, message_.es, answer_by, may_fail_closed);
  }
  uint64_t Denied(NotScannedReason reason) const {
    return statistics_.denied_by_reason.at(static_cast<size_t>(reason)).load();
  }

  FakeMessage message_;
  AuthStatistics statistics_;
  MissSettings settings_;
  const LockProbe no_locks_;
  const SystemLibraries no_libraries_{std::vector<const char*>{}};
  const MissPolicy policy_{settings_, no_locks_, no_libraries_};
  AuthLedger ledger_{2, statistics_, {}, &policy_};
};

TEST_F(StrictLedgerTest, RefusesAtTheDeadlineWhatMayFailClosed) {
  AuthTicket ticket = Issue(MonotonicClock::now(), true);
  EXPECT_TRUE(
      BecomesTrue([&] { return Denied(NotScannedReason::kDeadline) == 1; }));
  EXPECT_EQ(message_.denies.load(), 1U);
  EXPECT_FALSE(ticket.Settle(Of(VerdictKind::kInfected)));
  EXPECT_EQ(message_.answers(), 1U);
  EXPECT_EQ(statistics_.late_infected.load(), 1U);
  EXPECT_EQ(ByReason(statistics_, NotScannedReason::kDeadline), 0U);
}

TEST_F(StrictLedgerTest, RefusesWhateverIsNoVerdictAndCountsWhy) {
  EXPECT_TRUE(Issue(kNever, true)
                  .Settle(Verdict::NotScanned(NotScannedReason::kSizeLimit)));
  EXPECT_TRUE(Issue(kNever, true).Settle(Of(VerdictKind::kError)));
  EXPECT_EQ(message_.denies.load(), 2U);
  EXPECT_EQ(Denied(NotScannedReason::kSizeLimit), 1U);
  EXPECT_EQ(statistics_.denied_error.load(), 1U);
  EXPECT_EQ(statistics_.allowed_error.load(), 0U);
}

TEST_F(StrictLedgerTest, AllowsWhatIsCleanExcludedOrOfTheSystem) {
  EXPECT_TRUE(Issue(kNever, true).Settle(Of(VerdictKind::kClean)));
  EXPECT_TRUE(Issue(kNever, true)
                  .Settle(Verdict::NotScanned(NotScannedReason::kExcluded)));
  EXPECT_TRUE(Issue(kNever, false)
                  .Settle(Verdict::NotScanned(NotScannedReason::kSizeLimit)));
  EXPECT_EQ(message_.denies.load(), 0U);
  EXPECT_EQ(message_.allows.load(), 3U);
}

TEST_F(StrictLedgerTest, AllowsAllWhilePackagesAreInstalled) {
  const TempDir directory;
  const std::string path = directory.Write("lock", "");
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(file.UnsafeFd(), F_OFD_SETLK, &lock), 0);
  const LockProbe locks({path.c_str()});
  const MissPolicy policy(settings_, locks, no_libraries_);
  AuthLedger ledger(1, statistics_, {}, &policy);
  EXPECT_TRUE(ledger.Issue(nullptr, message_.es, kNever, true)
                  .Settle(Verdict::NotScanned(NotScannedReason::kTimeLimit)));
  EXPECT_EQ(message_.allows.load(), 1U);
}

TEST_F(StrictLedgerTest, AllowsAllOnceTheBreakerIsOpen) {
  AuthTicket ticket = Issue(kNever, true);
  settings_.is_degraded.store(true);
  EXPECT_TRUE(ticket.Settle(Verdict::NotScanned(NotScannedReason::kTimeLimit)));
  EXPECT_EQ(message_.allows.load(), 1U);
  EXPECT_EQ(ByReason(statistics_, NotScannedReason::kTimeLimit), 1U);
}

// The stress: each thread has some tickets whose deadlines are about now. It
// waits until the timer has answered one of them, and settles the others while
// the timer goes on.
constexpr size_t kThreads = 4;
constexpr size_t kTicketsAtOnce = 16;
constexpr size_t kRounds = 12;

struct Settled {
  std::vector<FakeMessage> messages =
      std::vector<FakeMessage>(kTicketsAtOnce * kRounds);
  uint64_t in_time = 0;
  uint64_t dropped = 0;
};

class LedgerRacer {
 public:
  LedgerRacer(AuthLedger& ledger, unsigned seed, Settled& settled)
      : ledger_(ledger), random_(seed), settled_(settled) {}

  void Run() {
    for (size_t round = 0; round < kRounds; ++round) {
      Race(&settled_.messages.at(round * kTicketsAtOnce));
    }
  }

 private:
  void Race(FakeMessage* messages) {
    std::vector<AuthTicket> tickets;
    for (size_t i = 0; i < kTicketsAtOnce; ++i) {
      const std::chrono::milliseconds left(random_() % 30);
      tickets.push_back(
          ledger_.Issue(nullptr, messages[i].es, MonotonicClock::now() + left));
    }
    std::shuffle(tickets.begin(), tickets.end(), random_);
    EXPECT_TRUE(BecomesTrue([messages] {
      return std::any_of(
          messages, messages + kTicketsAtOnce,
          [](const FakeMessage& message) { return message.answers() != 0; });
    }));
    for (AuthTicket& ticket : tickets) SettleOrDrop(std::move(ticket));
  }

  void SettleOrDrop(AuthTicket ticket) {
    EXPECT_TRUE(ticket.pending());
    if (random_() % 8 == 0) {
      ++settled_.dropped;
      return;
    }
    const bool infected = random_() % 2 == 0;
    if (ticket.Settle(
            Of(infected ? VerdictKind::kInfected : VerdictKind::kClean))) {
      ++settled_.in_time;
    }
  }

  AuthLedger& ledger_;
  std::mt19937 random_;
  Settled& settled_;
};

TEST(AuthLedgerStressTest, GivesOneAnswerPerTicketHoweverTheRaceEnds) {
  const unsigned seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  AuthStatistics statistics;
  std::array<Settled, kThreads> settled;
  {
    // One more: the timer may be about to let go of one that was settled.
    AuthLedger ledger(kThreads * kTicketsAtOnce + 1, statistics);
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([&ledger, seed, i, &share = settled.at(i)] {
        LedgerRacer(ledger, seed + i, share).Run();
      });
    }
    threads.clear();  // Joins. The timer may still be in its last answer.
  }
  uint64_t dropped = 0;
  for (const Settled& share : settled) {
    dropped += share.dropped;
    for (const FakeMessage& message : share.messages) {
      ASSERT_EQ(message.answers(), 1U);
      ASSERT_EQ(message.retains.load(), 1U);
      ASSERT_EQ(message.releases.load(), 1U);
      ASSERT_EQ(message.unretained_uses.load(), 0U);
    }
  }
  constexpr uint64_t kTickets = kThreads * kTicketsAtOnce * kRounds;
  EXPECT_EQ(statistics.tickets_issued.load(), kTickets);
  EXPECT_EQ(statistics.tickets_dropped.load(), dropped);
  EXPECT_EQ(Answers(statistics), kTickets);
  EXPECT_EQ(statistics.responses_refused.load(), 0U);
  // It was a race: each side has won some.
  EXPECT_GT(ByReason(statistics, NotScannedReason::kDeadline), 0U);
  EXPECT_GT(settled.at(0).in_time + settled.at(1).in_time +
                settled.at(2).in_time + settled.at(3).in_time,
            0U);
}

}  // namespace
}  // namespace gatehouse
