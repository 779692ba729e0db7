// BreakerWatch: tells the circuit breaker what happens, and protection what it
// may do; see es_adapter/circuit_breaker.h.
//
// Thread-safe. What it finds and decides lives in shared memory: a worker that
// dies while the breaker is open does not close it. The parts must outlive it.
#pragma once

#include <cstdint>
#include <string>

#include "base/mutex.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/protection.h"
#include "daemon/shared_state.h"
#include "es_adapter/circuit_breaker.h"
#include "es_linux.h"

namespace gatehouse {

class BreakerWatch {
 public:
  struct Parts {
    const DaemonOptions& options;
    SharedState& shared;
    const esl_journal_t* journal = nullptr;
    Protection& protection;
    LogWriter& log;
  };
  explicit BreakerWatch(const Parts& parts);

  // Goes on where a predecessor left it. Before protection is enabled.
  void Start();
  // To be called about twice a second by one thread. A disk may be slow in it
  // when the breaker opens or closes.
  void Step();

  // For people: why nobody is held, since when, and when that ends. Empty while
  // the breaker is closed.
  [[nodiscard]] std::string Issue() const;

 private:
  [[nodiscard]] CircuitBreaker::Observation Look() const;
  void OnChange(bool is_open);

  const Parts parts_;
  mutable Mutex mutex_;
  CircuitBreaker breaker_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
