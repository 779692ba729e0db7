// TraceRecorder: writes what a Client sees and answers to a trace file
// (docs/trace-format.md).
//
// Event is for the reader's thread, Answer for every thread: neither blocks,
// allocates or does I/O. Both put a record into a ring of fixed size, from
// which a thread of its own writes; what does not fit is counted as lost, here
// and in the trace. Start and Stop are for one thread at a time, status for
// everybody.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/bounded_ring.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "es_adapter/linux/journal.h"
#include "es_linux.h"
#include "trace/trace.h"

namespace gatehouse {

class EventBackend;
struct Message;

class TraceRecorder {
 public:
  explicit TraceRecorder(JournalCounters& counters);
  ~TraceRecorder();
  TraceRecorder(const TraceRecorder&) = delete;
  TraceRecorder& operator=(const TraceRecorder&) = delete;

  // Appends a session that begins at `now_ns`, `wall_ms` since 1970, to the
  // file `fd`, which is duplicated; `program` says
  // who records. Returns 0 or an errno value: EBUSY while it records, EAGAIN if
  // there is no thread to be had.
  [[nodiscard]] int Start(int fd, std::string program, int64_t now_ns,
                          int64_t wall_ms);
  // Writes what is in the ring and the end. Returns 0, EINVAL if it does not
  // record, or what made the recording end before.
  int Stop();

  [[nodiscard]] bool active() const {
    // Acquire: pairs with the release in Start, which made the ring.
    return active_.load(std::memory_order_acquire);
  }
  // Of this recording, or of the last one.
  [[nodiscard]] esl_recording_t status() const;
  // REQUIRES: active(). Looks a process up in `backend` when it is new.
  void Event(Message& message, int64_t read_ns, EventBackend& backend);
  void Answer(const Message& message, bool allow, AnswerSource source,
              int64_t now_ns);

 private:
  struct Tapped;
  class Writer;

  static constexpr size_t kRingRecords = 4096;
  static constexpr size_t kProcessesSeen = 1024;

  // What has been written, for whoever asks meanwhile.
  struct Progress {
    std::atomic<uint64_t> events{0};
    std::atomic<uint64_t> answers{0};
    std::atomic<uint64_t> lost{0};
    std::atomic<uint64_t> bytes{0};
  };

  void Report(const Writer& writer);
  bool IsProcessNew(const Message& message);
  void Push(Tapped& tapped);
  void Run(Writer& writer);

  JournalCounters& counters_;
  std::atomic<bool> active_{false};
  std::atomic<uint64_t> lost_{0};  // In this recording.
  std::unique_ptr<BoundedRing<Tapped>> ring_;
  std::array<int32_t, kProcessesSeen> seen_ = {};  // Pids; of the reader.
  std::atomic<bool> forget_seen_{false};           // At a new start.
  std::atomic<int> error_number_{0};
  Progress progress_;
  Mutex mutex_;
  CondVar stopping_;
  bool stop_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Writer> writer_;  // Of the thread, while there is one.
  std::thread thread_;
};

}  // namespace gatehouse
