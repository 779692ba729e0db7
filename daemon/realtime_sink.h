// RealtimeSink: acts on the verdicts of real time. Answers first, then counts,
// logs and queues what has to be looked at again.
//
// Thread-safe. The queue, the log and the statistics must outlive it.
#pragma once

#include <atomic>
#include <cstddef>

#include "daemon/log.h"
#include "daemon/shared_state.h"
#include "engine/event_queue.h"
#include "engine/verdict_sink.h"

namespace gatehouse {

class RealtimeSink {
 public:
  // Rescans hold a slot of the journal each: more than this many would stop
  // the reader.
  static constexpr size_t kRescansMax = 256;

  RealtimeSink(EventQueue& background_queue, LogWriter& log,
               SinkStatistics& statistics)
      : background_queue_(background_queue),
        log_(log),
        statistics_(statistics) {}

  void OnVerdict(FileEvent event, const Verdict& verdict);

 private:
  void Detected(const FileEvent& event, const Verdict& verdict, bool late);
  void QueueRescan(FileEvent event);

  EventQueue& background_queue_;
  LogWriter& log_;
  SinkStatistics& statistics_;
  std::atomic<size_t> rescans_pending_{0};
};
static_assert(VerdictSink<RealtimeSink>);

}  // namespace gatehouse
