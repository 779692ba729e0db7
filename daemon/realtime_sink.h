// RealtimeSink: acts on the verdicts of real time. Answers first, then counts,
// logs and queues what has to be looked at again.
//
// Thread-safe. The queue, the log and the statistics must outlive it.
#pragma once

#include "daemon/log.h"
#include "daemon/shared_state.h"
#include "engine/rescan_queue.h"
#include "engine/verdict_sink.h"

namespace gatehouse {

class RealtimeSink {
 public:
  RealtimeSink(RescanQueue& rescans, LogWriter& log, SinkStatistics& statistics)
      : rescans_(rescans), log_(log), statistics_(statistics) {}

  void OnVerdict(FileEvent event, const Verdict& verdict);

 private:
  void Detected(const FileEvent& event, const Verdict& verdict, bool late);

  RescanQueue& rescans_;
  LogWriter& log_;
  SinkStatistics& statistics_;
};
static_assert(VerdictSink<RealtimeSink>);

}  // namespace gatehouse
