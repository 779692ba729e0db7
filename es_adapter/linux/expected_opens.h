// ExpectedOpens: opens that follow from a program start which was allowed. The
// kernel asks twice for each: may it be executed, may it be opened.
//
// Thread-safe. Of fixed size; the oldest expectation is forgotten. Allocates
// nothing after it is made.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/mutex.h"
#include "es_adapter/linux/answer_cache.h"

namespace gatehouse {

class ExpectedOpens {
 public:
  // Expects `pid` to open the file in this state within a second, once.
  // `now_ns`: CLOCK_MONOTONIC.
  void Expect(pid_t pid, const FileState& file, int64_t now_ns);

  // True, once, if that open was expected.
  [[nodiscard]] bool Take(pid_t pid, const FileState& file, int64_t now_ns);

  // False: no need to look.
  [[nodiscard]] bool any() const { return count_.load() != 0; }

 private:
  struct Expectation {
    pid_t pid = 0;  // 0: none.
    FileState file;
    int64_t until_ns = 0;
  };
  static constexpr size_t kExpectationsMax = 64;

  Mutex mutex_;
  std::array<Expectation, kExpectationsMax> expectations_
      GATEHOUSE_GUARDED_BY(mutex_);
  size_t next_ GATEHOUSE_GUARDED_BY(mutex_) = 0;
  std::atomic<size_t> count_{0};
};

}  // namespace gatehouse
