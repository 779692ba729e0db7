// AuthTicket: the obligation to answer one held open or exec, as a type.
//
// Thread-compatible; move-only; one thread at a time holds a ticket. The
// responder must outlive every ticket it issued.
#pragma once

#include <cstdint>
#include <utility>

#include "engine/verdict.h"

namespace gatehouse {

// Where answers go. One of the two virtual interfaces of the project: the real
// one races verdicts against deadlines, tests and benchmarks count.
class AuthResponder {
 public:
  // Returns true if this verdict became the answer, false if the deadline
  // answered first. Thread-safe, does not block.
  virtual bool Settle(uint64_t ticket_number, const Verdict& verdict) = 0;
  // A ticket was destroyed unanswered: a programming error. Must answer by
  // policy and count. Thread-safe.
  virtual void Dropped(uint64_t ticket_number) = 0;

 protected:
  ~AuthResponder() = default;
};

class AuthTicket {
 public:
  AuthTicket() = default;
  AuthTicket(AuthResponder& responder, uint64_t number)
      : responder_(&responder), number_(number) {}
  AuthTicket(AuthTicket&& other) noexcept
      : responder_(std::exchange(other.responder_, nullptr)),
        number_(other.number_) {}
  AuthTicket& operator=(AuthTicket&& other) noexcept {
    if (this != &other) {
      Drop();
      responder_ = std::exchange(other.responder_, nullptr);
      number_ = other.number_;
    }
    return *this;
  }
  AuthTicket(const AuthTicket&) = delete;
  AuthTicket& operator=(const AuthTicket&) = delete;
  ~AuthTicket() { Drop(); }

  // True while somebody is owed an answer.
  bool pending() const { return responder_ != nullptr; }

  // Answers; the ticket is spent. Returns true if this verdict became the
  // answer, false if the deadline came first. REQUIRES: pending().
  bool Settle(const Verdict& verdict) {
    return std::exchange(responder_, nullptr)->Settle(number_, verdict);
  }

 private:
  void Drop() {
    if (responder_ != nullptr) {
      std::exchange(responder_, nullptr)->Dropped(number_);
    }
  }

  AuthResponder* responder_ = nullptr;
  uint64_t number_ = 0;
};

}  // namespace gatehouse
