#include "engine/crash_mark.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <memory>

namespace gatehouse {
namespace {

constexpr std::array<int, 6> kFaultSignals = {SIGSEGV, SIGBUS,  SIGILL,
                                              SIGFPE,  SIGABRT, SIGSYS};
constexpr size_t kFaultStackBytes = size_t{64} * 1024;

// Signal handlers take no argument of ours: these are the state they need.
// Written before the first handler can run, or by the thread that reads it.
uint32_t* installed_fault_word = nullptr;
std::array<struct sigaction, kFaultSignals.size()> previous_actions;
thread_local uint32_t* running_scan_mark = nullptr;

void Store(uint32_t* word, uint32_t value) noexcept {
  // Sequentially consistent: the successor reads it after our death.
  std::atomic_ref<uint32_t>(*word).store(value);
}

// Async-signal-safe: atomics, getpid, sigaction, raise.
void OnFault(int signal_number, siginfo_t* info, void* /*context*/) noexcept {
  const bool sent = info->si_code <= 0;
  if (sent && info->si_pid != ::getpid()) {
    Store(installed_fault_word, kFaultFromOutside);
  } else if (running_scan_mark != nullptr) {
    Store(running_scan_mark, kScanMarkFaulted);
    Store(installed_fault_word, kFaultAttributed);
  } else {
    Store(installed_fault_word, kFaultElsewhere);
  }
  for (size_t i = 0; i < kFaultSignals.size(); ++i) {
    if (kFaultSignals[i] != signal_number) continue;
    (void)::sigaction(signal_number, &previous_actions[i], nullptr);
  }
  (void)::raise(signal_number);
}

class FaultStack {
 public:
  FaultStack() : bytes_(std::make_unique<std::byte[]>(kFaultStackBytes)) {
    stack_t stack = {};
    stack.ss_sp = bytes_.get();
    stack.ss_size = kFaultStackBytes;
    (void)::sigaltstack(&stack, nullptr);  // Without it: no mark, no harm.
  }
  ~FaultStack() {
    stack_t stack = {};
    stack.ss_flags = SS_DISABLE;
    (void)::sigaltstack(&stack, nullptr);
  }
  FaultStack(const FaultStack&) = delete;
  FaultStack& operator=(const FaultStack&) = delete;

 private:
  std::unique_ptr<std::byte[]> bytes_;
};

}  // namespace

ScanMarkScope::ScanMarkScope(uint32_t* unsafe_scan_mark)
    : mark_(unsafe_scan_mark) {
  assert(running_scan_mark == nullptr);
  if (mark_ != nullptr) Store(mark_, kScanMarkScanning);
  running_scan_mark = mark_;
}

ScanMarkScope::~ScanMarkScope() {
  running_scan_mark = nullptr;
  if (mark_ != nullptr) Store(mark_, kScanMarkNone);
}

Result<bool> InstallFaultMarks(uint32_t* fault_word) {
  assert(fault_word != nullptr);
  assert(installed_fault_word == nullptr);
  installed_fault_word = fault_word;
  for (size_t i = 0; i < kFaultSignals.size(); ++i) {
    struct sigaction action = {};
    action.sa_sigaction = OnFault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    (void)::sigemptyset(&action.sa_mask);
    if (::sigaction(kFaultSignals[i], &action, &previous_actions[i]) != 0) {
      return FailSystem("install a fault handler", errno);
    }
  }
  return true;
}

void UseFaultStackOnThisThread() {
  thread_local const FaultStack stack;
  (void)stack;
}

}  // namespace gatehouse
