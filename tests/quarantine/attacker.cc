#include "tests/quarantine/attacker.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <new>

namespace gatehouse {
namespace {

void StayOn(size_t processor) {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  CPU_SET(processor, &processors);
  (void)::sched_setaffinity(0, sizeof(processors), &processors);
}

}  // namespace

void LeaveAProcessorToTheAttacker() { StayOn(0); }

void Dawdle(uint64_t turn) {
  const uint64_t some = (turn * 0x9e3779b97f4a7c15U) >> 55;
  const uint64_t rounds = some << (turn / 256 % 4 * 3);
  for (uint64_t i = 0; i < rounds; ++i) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
}

Attacker::Attacker(Turn turn)
    : shared_(new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                  Shared) {  // In memory that both processes see.
  pid_ = ::fork();
  EXPECT_GE(pid_, 0);
  if (pid_ == 0) Run(turn);
}

Attacker::~Attacker() {
  EXPECT_EQ(::kill(pid_, SIGKILL), 0);
  EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
  EXPECT_EQ(::munmap(shared_, sizeof(Shared)), 0);
}

void Attacker::Run(const Turn& turn) {
  StayOn(1);
  const bool is_nobody = ::setgroups(0, nullptr) == 0 &&
                         ::setresgid(kUser, kUser, kUser) == 0 &&
                         ::setresuid(kUser, kUser, kUser) == 0;
  // After the change of rights, which takes it away.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!is_nobody || ::getppid() == 1) ::_exit(1);
  while (true) {
    if (!shared_->goes.load()) {
      shared_->is_in_turn.store(false);
      (void)::sched_yield();
      continue;
    }
    shared_->is_in_turn.store(true);
    // Asked again: whoever paused it may have looked in between.
    if (!shared_->goes.load()) continue;
    shared_->turns.fetch_add(1);
    turn(shared_->counts);
  }
}

void Attacker::CheckAlive() const {
  ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << "the attacker is gone";
}

void Attacker::Go() {
  CheckAlive();
  const uint64_t before = turns();
  shared_->goes.store(true);
  while (turns() == before) (void)::sched_yield();
}

void Attacker::Pause() {
  shared_->goes.store(false);
  while (shared_->is_in_turn.load()) (void)::sched_yield();
}

}  // namespace gatehouse
