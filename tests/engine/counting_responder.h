// CountingResponder: an AuthResponder that remembers what became of each
// ticket.
//
// Thread-safe. Outlives the tickets it issued.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/auth_ticket.h"
#include "tests/engine/tally.h"

namespace gatehouse {

// Final, so that nobody destroys it through a base.
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor)
class CountingResponder final : public AuthResponder {
 public:
  explicit CountingResponder(size_t tickets)
      : settled_(tickets), dropped_(tickets) {}

  AuthTicket Issue(uint64_t number) { return {*this, number}; }

  // What Settle returns: whether verdicts come before the deadline.
  void AnswerLate() { in_time_.store(false); }

  bool Settle(uint64_t ticket_number, const Verdict& verdict) override {
    last_kind_.store(verdict.kind);
    last_reason_.store(verdict.reason);
    settled_.Add(ticket_number);
    return in_time_.load();
  }
  void Dropped(uint64_t ticket_number) override { dropped_.Add(ticket_number); }

  // Times, by ticket number.
  std::vector<uint32_t> Settled() const { return settled_.Counts(); }
  std::vector<uint32_t> Dropped() const { return dropped_.Counts(); }
  VerdictKind last_kind() const { return last_kind_.load(); }
  NotScannedReason last_reason() const { return last_reason_.load(); }

 private:
  Tally settled_;
  Tally dropped_;
  std::atomic<bool> in_time_{true};
  std::atomic<VerdictKind> last_kind_{VerdictKind::kError};
  std::atomic<NotScannedReason> last_reason_{NotScannedReason::kNone};
};

}  // namespace gatehouse
