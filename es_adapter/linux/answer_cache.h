// AnswerCache: answers a client gave with `cache`, so that the same question is
// not put again: the same executable, the same file, neither modified since.
//
// The caller makes sure that nobody was able to write the file from the moment
// the message was made until the answer, and again at the hit: this class
// compares identities, sizes and times only.
//
// Thread-safe. A table of fixed size in which the newest wins; allocates
// nothing after it is made.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/file_state.h"
#include "base/mutex.h"

namespace gatehouse {

class AnswerCache {
 public:
  struct Question {
    es_event_type_t type = ES_EVENT_TYPE_LAST;
    FileState executable;
    FileState target;

    bool operator==(const Question&) const = default;
  };

  AnswerCache();

  // `flags`: what is authorised; 0 is a denial, forgotten after 1.5 s.
  // `now_ns`: CLOCK_MONOTONIC.
  void Keep(const Question& question, uint32_t flags, int64_t now_ns);
  [[nodiscard]] std::optional<uint32_t> Find(const Question& question,
                                             int64_t now_ns) const;
  void Clear();
  // As Clear, but false and nothing done within 100 ms of the last time.
  [[nodiscard]] bool TryClear(int64_t now_ns);

  // True if nothing was ever kept: no need to look.
  [[nodiscard]] bool empty() const { return empty_.load(); }

 private:
  struct Entry {
    Question question;
    uint32_t flags = 0;
    int64_t kept_ns = 0;
  };

  mutable Mutex mutex_;
  std::vector<Entry> entries_ GATEHOUSE_GUARDED_BY(mutex_);
  std::optional<int64_t> cleared_ns_ GATEHOUSE_GUARDED_BY(mutex_);
  std::atomic<bool> empty_{true};
};

}  // namespace gatehouse
