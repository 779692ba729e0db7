// EventBackend: where the events of a Client come from and where its answers
// go. The kernel's fanotify in production, a recorded session in a replay.
//
// The reader thread calls Wait, Read and the descriptions of a message; Answer
// and Now are thread-safe; the rest is for one thread at a time. Owned by the
// Client. Nothing here allocates once it is open.
#pragma once

#include <EndpointSecurity/EndpointSecurity.h>
#include <linux/fanotify.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/time.h"
#include "es_adapter/linux/journal.h"
#include "es_adapter/linux/notify_sources.h"
#include "trace/trace.h"

namespace gatehouse {

struct Message;

// By GroupKind.
using GroupSet = std::array<bool, kGroupCount>;

class EventBackend {
 public:
  EventBackend() = default;
  virtual ~EventBackend() = default;
  EventBackend(const EventBackend&) = delete;
  EventBackend& operator=(const EventBackend&) = delete;

  // Opens what a predecessor has not left open.
  [[nodiscard]] virtual es_new_client_result_t Open() = 0;
  // Nobody answers any more.
  virtual void Close() = 0;
  // Before the first event.
  virtual void Prepare() = 0;

  // The sources of notifications that belong to it, which Wait waits for, too;
  // null if it has none. Called once, before Open; they outlive Wait.
  [[nodiscard]] virtual std::unique_ptr<NotifySources> MakeSources() {
    return nullptr;
  }

  // Watches the file system of the open `directory` for the events of `mask`.
  // Returns 0 or an errno value.
  [[nodiscard]] virtual int Mark(GroupKind kind, int directory,
                                 uint64_t mask) = 0;
  virtual void RemoveAllMarks(GroupKind kind) = 0;

  // True: there is no reader thread and no timer; whoever moves the time calls
  // Client::Step and Client::AnswerOverdue, and Wait does not sleep.
  [[nodiscard]] virtual bool IsStepped() const { return false; }
  // Sleeps until one of the `wanted` groups has events or `wake_fd` is
  // readable, and drains the latter; not while a source has more. Says which
  // groups have events.
  [[nodiscard]] virtual GroupSet Wait(const GroupSet& wanted, int wake_fd) = 0;
  // Fills `events` from the front and returns how many came; a negative errno
  // value if none could be read.
  [[nodiscard]] virtual ssize_t Read(
      GroupKind kind, std::span<fanotify_event_metadata> events) = 0;
  // Answers the opener behind the descriptor of an event, which is still open;
  // `source` says who decided.
  virtual void Answer(GroupKind kind, int fd, bool allow,
                      AnswerSource source) = 0;

  // See fanotify_group.h. A source that cannot has nothing to do.
  virtual void IgnoreOpens(int /*fd*/) {}
  virtual void StopIgnoring(int /*fd*/) {}
  virtual void StopIgnoringAll() {}

  // Fills `message.target`. `message.fd` is set. The path may be left empty, if
  // it costs something, until it is asked for.
  virtual void FillTarget(Message& message) = 0;
  virtual void FillTargetPath(Message& /*message*/) {}
  // Adds what ESL_DETAIL_FULL tells about the process, unless it is there. The
  // pid is in its audit token.
  virtual void FillProcess(Message& message) = 0;
  // Are the paths of the file and of the program true? Elsewhere than in our
  // own mount namespace, whoever mounts makes them say anything.
  [[nodiscard]] virtual bool IsTargetBelieved(const Message& message) = 0;
  [[nodiscard]] virtual bool IsExecutableBelieved(const Message& message) = 0;
  // True while anybody, the opener included, has the file open for writing or
  // mapped writable; see base/writer_probe.h. Thread-safe.
  [[nodiscard]] virtual bool HasWriter(int fd) const = 0;
  // In nanoseconds; the clock of deadlines. Thread-safe.
  [[nodiscard]] virtual int64_t Now() const = 0;
  // Nanoseconds since 1970.
  [[nodiscard]] virtual int64_t WallNow() const {
    return WallClockMilliseconds() * 1'000'000;
  }
};

}  // namespace gatehouse
