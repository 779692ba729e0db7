// AuthLedger: the one place where a verdict and a deadline race for the answer
// to a held open. Exactly one answer leaves it per ticket.
//
// Thread-safe. Owns its timer thread, which a virtual clock has not; keeps each
// message until its ticket is settled. Outlives every ticket it issued; the
// client stays for as long as the ledger is busy.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/idle_ticker.h"
#include "base/mutex.h"
#include "base/time.h"
#include "engine/auth_ticket.h"
#include "engine/verdict.h"
#include "es_adapter/miss_policy.h"
#include "es_adapter/miss_tally.h"

namespace gatehouse {

// Written by the adapter, read by anybody; may live in shared memory. An
// answer is counted once, under what it was based on.
struct AuthStatistics {
  std::atomic<uint64_t> tickets_issued{0};
  std::atomic<uint64_t> allowed_clean{0};
  std::atomic<uint64_t> allowed_empty{0};  // Of those: 0 bytes, no scan.
  std::atomic<uint64_t> denied_infected{0};
  std::atomic<uint64_t> allowed_suspicious{0};
  std::atomic<uint64_t> allowed_error{0};  // The scan failed.
  // By NotScannedReason.
  std::array<std::atomic<uint64_t>, kNotScannedReasonCount> allowed_by_reason;
  // Program starts that the strict profile refused: see miss_policy.h.
  std::array<std::atomic<uint64_t>, kNotScannedReasonCount> denied_by_reason;
  std::atomic<uint64_t> denied_error{0};
  std::atomic<uint64_t> tickets_dropped{0};    // A bug of ours, each one.
  std::atomic<uint64_t> responses_refused{0};  // The ES call did not succeed.
  std::atomic<uint64_t> late_verdicts{0};      // After the policy had answered.
  std::atomic<uint64_t> late_infected{0};      // Of those, infected.
  // Deadlines missed that are more than one user's doing: see miss_tally.h.
  std::atomic<uint64_t> tallied_misses{0};
};

// Final, and never destroyed through its interface, whose destructor is
// protected: no virtual destructor.
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor)
class AuthLedger final : public AuthResponder {
 public:
  // Is told what an answer is based on, before it is given. Thread-safe; blocks
  // nobody.
  using AnswerObserver =
      std::function<void(const es_message_t& message, const Verdict& verdict)>;

  // Room for `tickets_max` tickets at a time. Without a policy every miss is
  // allowed.
  AuthLedger(size_t tickets_max, AuthStatistics& statistics, Clock clock = {},
             const MissPolicy* policy = nullptr, AnswerObserver observer = {});
  ~AuthLedger();
  AuthLedger(const AuthLedger&) = delete;
  AuthLedger& operator=(const AuthLedger&) = delete;

  // Retains `message` and opens an entry whose policy answer goes out at
  // `answer_by`, or a tick of 20 ms later. `may_fail_closed`: see MissPolicy.
  // `owner` of the file: see MissTally.
  // An empty ticket if every entry is taken; the caller then answers itself.
  [[nodiscard]] AuthTicket Issue(es_client_t* client,
                                 const es_message_t& message,
                                 MonotonicTime answer_by,
                                 bool may_fail_closed = false, uid_t owner = 0);

  // True while a ticket is open or an answer is in progress; until then the
  // client must not go.
  [[nodiscard]] bool busy() const { return open_count_.load() != 0; }

  // False if the timer hangs; see IdleTicker::IsResponding. For one thread.
  [[nodiscard]] bool IsResponding() { return timer_->IsResponding(); }

  // How often the timer looks for tickets that are overdue.
  static constexpr std::chrono::milliseconds kTimerPeriod{20};
  // What the timer does: answers whoever is overdue. False: nobody waits. For
  // whoever moves a virtual clock; allocates, logs and opens nothing.
  bool AnswerOverdue();

  bool Settle(uint64_t ticket_number, const Verdict& verdict) override;
  void Dropped(uint64_t ticket_number) override;

 private:
  struct Entry;

  bool SettleWith(uint64_t ticket_number, const Verdict& verdict);
  void Respond(const Entry& entry, const Verdict& verdict);
  void Free(Entry& entry);

  AuthStatistics& statistics_;
  const Clock clock_;
  const MissPolicy* const policy_;
  const AnswerObserver observer_;
  MissTally tally_;
  std::vector<Entry> entries_;
  Mutex mutex_;
  std::vector<uint32_t> free_ GATEHOUSE_GUARDED_BY(mutex_);
  std::atomic<size_t> open_count_{0};
  // Null with a virtual clock. Last: it uses the members above.
  std::unique_ptr<IdleTicker> timer_;
};

// What is done when there is no verdict.
enum class OnMiss : uint8_t { kFailOpen, kFailClosed };

// The answer a verdict stands for, and the counter it belongs to.
[[nodiscard]] bool IsAllowed(const Verdict& verdict,
                             OnMiss on_miss = OnMiss::kFailOpen);
void CountAnswer(const Verdict& verdict, OnMiss on_miss,
                 AuthStatistics& statistics);

// Answers `message` at once and counts it.
void RespondNow(es_client_t* client, const es_message_t& message,
                const Verdict& verdict, AuthStatistics& statistics,
                OnMiss on_miss = OnMiss::kFailOpen);

}  // namespace gatehouse
