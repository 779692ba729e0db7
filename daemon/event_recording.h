// EventRecording: records events for one client at a time, into a file that
// the client opened. docs/trace-format.md has the file, docs/ipc.md the frames.
//
// Thread-safe: called by one thread per session. What is handed to the
// constructor must outlive it.
#pragma once

#include <cstdint>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "daemon/log.h"
#include "daemon/protection.h"
#include "es_linux.h"
#include "ipc/json.h"
#include "ipc/session.h"

namespace gatehouse {

class EventRecording {
 public:
  EventRecording(Protection& protection, LogWriter& log)
      : protection_(protection), log_(log) {}
  EventRecording(const EventRecording&) = delete;
  EventRecording& operator=(const EventRecording&) = delete;

  // Records into the descriptor that came with the request, until the client
  // says that it is enough or is gone, somebody else ends it (End), or nothing
  // more can be written; then tells what became of it. Errors: what to tell the
  // client; a client that is gone is none.
  Result<bool> Lead(Session& session);

  // Ends the recording that another session leads, and tells its client what
  // became of it. Blocks until all is written. Errors: kOperational if there is
  // none.
  Result<bool> End(Session& session);

  // Not known to a client that is gone, but to the log and to whoever ends it.
  enum class Reason : uint8_t {
    kStopped,   // By its own client.
    kEnded,     // By another one.
    kFull,      // kTraceBytesMax.
    kFailed,    // It could not be written: esl_recording_t::error_number.
    kDeserted,  // Its client is gone.
  };

 private:
  Result<bool> Begin(Session& session);
  Reason WaitForEnd(Session& session);
  bool IsEndWanted();
  Json Finish(Session& session, Reason reason);
  void Leave(Json report);

  Protection& protection_;
  LogWriter& log_;
  Mutex mutex_;
  CondVar ended_;
  bool is_busy_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  bool is_end_wanted_ GATEHOUSE_GUARDED_BY(mutex_) = false;
  uint64_t number_ GATEHOUSE_GUARDED_BY(mutex_) = 0;  // Of those begun.
  Json last_report_ GATEHOUSE_GUARDED_BY(mutex_);
};

}  // namespace gatehouse
