#include "daemon/event_recording.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "base/own_mounts.h"
#include "base/unique_fd.h"
#include "daemon/protected_paths.h"
#include "ipc/message.h"
#include "ipc/request.h"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;

// How soon it is seen that somebody else ended it, or that it has ended.
constexpr milliseconds kLookPeriod{100};
// For the rest of a frame that has begun to come.
constexpr milliseconds kReceiveTimeout{5'000};

const char* ReasonWord(EventRecording::Reason reason) {
  switch (reason) {
    case EventRecording::Reason::kStopped:
      return "stopped";
    case EventRecording::Reason::kEnded:
      return "ended_by_another";
    case EventRecording::Reason::kFull:
      return "size_limit";
    case EventRecording::Reason::kFailed:
      return "write_failed";
    case EventRecording::Reason::kDeserted:
      return "client_gone";
  }
  return "";
}

// What the thread that writes must not be held up by, and what is somebody's
// already. Nothing here asks a server that may hang.
Result<bool> CheckFile(int fd, pid_t peer) {
  struct statx facts = {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
              STATX_TYPE | STATX_SIZE, &facts) != 0) {
    return FailSystem("look at the file to record to", errno);
  }
  const int flags = ::fcntl(fd, F_GETFL);
  const bool is_writable =
      flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY;
  if (!S_ISREG(facts.stx_mode) || facts.stx_size != 0 || !is_writable) {
    return Fail(ErrorCode::kInvalidInput,
                "record: to an empty regular file that is open for writing");
  }
  OwnMounts mounts;
  if (FileMayHang(fd, peer, mounts)) {
    return Fail(ErrorCode::kNotSupported,
                "record: the server of the file system may hang");
  }
  return true;
}

Json ReportOf(const esl_recording_t& recording, EventRecording::Reason reason) {
  Json report = {
      {"$type", kRecordedType},       {"events", recording.events},
      {"answers", recording.answers}, {"lost", recording.lost},
      {"bytes", recording.bytes},     {"reason", ReasonWord(reason)}};
  if (reason == EventRecording::Reason::kFailed) {
    report["detail"] =
        SystemError("write the trace", recording.error_number).message;
  }
  return report;
}

}  // namespace

Result<bool> EventRecording::Lead(Session& session) {
  {
    const MutexLock lock(mutex_);
    if (is_busy_) {
      return Fail(ErrorCode::kOperational,
                  "another recording is going on: see mdatp diagnostic record "
                  "stop");
    }
    is_busy_ = true;
    is_end_wanted_ = false;
    ++number_;
  }
  const Result<bool> begun = Begin(session);
  if (!begun) {
    Leave({});
    return begun;
  }
  Reason reason = Reason::kDeserted;
  if (session.Send({{"$type", kRecordingType}})) reason = WaitForEnd(session);
  const Json report = Finish(session, reason);
  Leave(report);
  // A client that is gone is the only one who would want to know.
  if (reason != Reason::kDeserted) (void)session.Send(report);
  return true;
}

Result<bool> EventRecording::Begin(Session& session) {
  const std::vector<UniqueFd> descriptors = session.TakeDescriptors();
  if (descriptors.size() != 1) {
    return Fail(ErrorCode::kInvalidInput, "record: to one descriptor");
  }
  const int fd = descriptors.front().UnsafeFd();
  Result<bool> done = CheckFile(fd, session.peer().pid);
  if (!done) return done;
  done = protection_.StartRecording(fd);
  if (!done) return done;
  log_.Log(Severity::kInfo, "recording for a client",
           {{"uid", std::to_string(session.peer().uid)},
            {"pid", std::to_string(session.peer().pid)}});
  return true;
}

EventRecording::Reason EventRecording::WaitForEnd(Session& session) {
  while (true) {
    const esl_recording_t recording = protection_.recording();
    if (!recording.active) {
      return recording.error_number == EFBIG ? Reason::kFull : Reason::kFailed;
    }
    if (IsEndWanted()) return Reason::kEnded;
    const Result<bool> has_more = session.WaitToReceive(kLookPeriod);
    if (!has_more) return Reason::kDeserted;
    if (!*has_more) continue;
    const Result<IpcMessage> message = session.Receive(kReceiveTimeout);
    if (!message) return Reason::kDeserted;
    const Result<IpcRequest> request =
        ParseRequest(message->body, message->descriptors.size());
    if (request && request->command == IpcCommand::kRecordEnd) {
      return Reason::kStopped;
    }
    (void)session.SendError(
        {ErrorCode::kInvalidInput, "a recording is going on"});
    return Reason::kDeserted;
  }
}

bool EventRecording::IsEndWanted() {
  const MutexLock lock(mutex_);
  return is_end_wanted_;
}

Json EventRecording::Finish(Session& session, Reason reason) {
  const esl_recording_t recording = protection_.StopRecording();
  // The last block, or the end, did not get onto the disk.
  if (recording.error_number == EFBIG) {
    reason = Reason::kFull;
  } else if (recording.error_number != 0) {
    reason = Reason::kFailed;
  }
  log_.Log(Severity::kInfo, "recording ended",
           {{"reason", ReasonWord(reason)},
            {"events", std::to_string(recording.events)},
            {"answers", std::to_string(recording.answers)},
            {"lost", std::to_string(recording.lost)},
            {"pid", std::to_string(session.peer().pid)}});
  return ReportOf(recording, reason);
}

void EventRecording::Leave(Json report) {
  const MutexLock lock(mutex_);
  is_busy_ = false;
  last_report_ = std::move(report);
  ended_.NotifyAll();
}

Result<bool> EventRecording::End(Session& session) {
  Json report;
  {
    const MutexLock lock(mutex_);
    if (!is_busy_) {
      return Fail(ErrorCode::kOperational, "no recording is going on");
    }
    is_end_wanted_ = true;
    // Should another one begin before we wake up, ours is over, too.
    const uint64_t number = number_;
    while (is_busy_ && number_ == number) ended_.Wait(mutex_);
    report = last_report_;
  }
  if (report.empty()) {
    return Fail(ErrorCode::kOperational, "the recording did not begin");
  }
  return session.Send(report);
}

}  // namespace gatehouse
