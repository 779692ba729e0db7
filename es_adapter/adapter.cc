#include "es_adapter/adapter.h"

#include <sys/stat.h>

#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "es_adapter/deadline.h"
#include "es_adapter/event_file.h"

namespace gatehouse {
namespace {

bool IsEmptyFile(const es_file_t& file) {
  return S_ISREG(file.stat.st_mode) && file.stat.st_size == 0;
}

// A program that is started, held or not; es_linux.h has the latter as a close.
bool IsStart(const es_message_t& message) {
  return message.event_type == ES_EVENT_TYPE_AUTH_EXEC ||
         (message.event_type == ES_EVENT_TYPE_NOTIFY_CLOSE &&
          !message.event.close.modified);
}

// REQUIRES: somebody is held.
FileEventKind HeldKind(const es_message_t& message) {
  return message.event_type == ES_EVENT_TYPE_AUTH_EXEC ? FileEventKind::kExec
                                                       : FileEventKind::kOpen;
}

SourceKey KeyOf(const es_file_t& file) {
  return {file.stat.st_dev, file.stat.st_ino};
}

// The event without its ticket. `file.valid()` is false if there is no file.
FileEvent EventOf(const es_message_t& message, FileEventKind kind) {
  FileEvent event;
  event.kind = kind;
  Result<ScanFile> file = OpenEventFile(message);
  if (!file) return event;
  event.file = std::move(*file);
  event.deadline = EventDeadline(message);
  event.pid = audit_token_to_pid(message.process->audit_token);
  event.unsafe_scan_mark = EventScanMark(message);
  const es_file_t* target = EventTarget(message);
  event.unsafe_path = {target->path.data, target->path.length};
  event.key = KeyOf(*target);
  event.times.arrived = MonotonicClock::now();
  return event;
}

}  // namespace

void Adapter::HandleMessage(void* context, es_client_t* client,
                            const es_message_t* message) noexcept {
  auto* adapter = static_cast<Adapter*>(context);
  if (message->action_type == ES_ACTION_TYPE_AUTH) {
    adapter->OnAuth(client, *message);
  } else if (message->event_type == ES_EVENT_TYPE_NOTIFY_EXEC) {
    adapter->OnStarted(*message);
  } else {
    adapter->OnClose(*message);
  }
}

void Adapter::OnAuth(es_client_t* client, const es_message_t& message) {
  parts_.statistics.auth_messages.fetch_add(1);
  if (message.event_type == ES_EVENT_TYPE_AUTH_EXEC) {
    parts_.statistics.exec_messages.fetch_add(1);
  }
  const bool is_rescan = EventIsAnswered(message);
  const es_file_t* target = EventTarget(message);
  const FileEventKind asked = HeldKind(message);
  if (!is_rescan && target != nullptr && IsEmptyFile(*target)) {
    AllowClean(client, message);
    parts_.auth_statistics.allowed_empty.fetch_add(1);
    return;
  }
  FileSnapshot snapshot;
  if (target != nullptr) snapshot = first_look_.Take(message);
  if (!is_rescan && AllowKnown(client, message, snapshot)) return;
  if (IsExcluded(message)) {
    if (is_rescan) return;
    RespondNow(client, message,
               Verdict::NotScanned(NotScannedReason::kExcluded),
               parts_.auth_statistics);
    CountInline(message, asked);
    return;
  }
  FileEvent event =
      EventOf(message, is_rescan ? FileEventKind::kRescan : asked);
  event.snapshot = snapshot;
  if (!event.file.valid()) {
    parts_.statistics.without_file.fetch_add(1);
    RespondNow(client, message,
               Verdict::NotScanned(NotScannedReason::kVanished),
               parts_.auth_statistics);
    return;
  }
  DeferExclusions(message, event);
  const bool crashes = RefuseCrashing(event, message);
  if (is_rescan) {
    parts_.statistics.adopted_rescans.fetch_add(1);
    if (!crashes) parts_.rescans.AddAdopted(std::move(event));
    return;
  }
  // The ledger answers when the budget is used up: what a scan finds later is
  // too late for this open.
  const MonotonicTime now = parts_.clock.now();
  event.deadline = now + AnswerBudget(event.deadline - now);
  const bool may_fail_closed =
      parts_.miss_policy != nullptr &&
      parts_.miss_policy->MayFailClosed(event.kind, event.pid,
                                        event.file.UnsafeFd());
  if (may_fail_closed) FailClosed(message);
  event.ticket =
      parts_.ledger.Issue(client, message, event.deadline, may_fail_closed,
                          target == nullptr ? 0 : target->stat.st_uid);
  if (!event.ticket.pending()) {
    // Cannot happen while the ledger has an entry per slot of the journal.
    RespondNow(client, message,
               Verdict::NotScanned(NotScannedReason::kCancelled),
               parts_.auth_statistics);
    return;
  }
  Enqueue(event, !crashes && parts_.exclusions.is_known());
}

// A crashing file goes the same way: the worker knows its content and answers
// by policy without a scan. It is its own fault alone, as an exclusion that is
// not known yet is its own.
void Adapter::Enqueue(FileEvent& event, bool may_follow) {
  if (may_follow && parts_.in_flight.TryFollow(event)) return;
  const uint32_t flight = event.flight;
  if (Push(parts_.auth_queue, event)) return;
  if (flight != kNoFlight) parts_.in_flight.Withdraw(flight);
  (void)event.ticket.Settle(Verdict::NotScanned(NotScannedReason::kCancelled));
}

// True if the file is known to be clean, and was allowed.
bool Adapter::AllowKnown(es_client_t* client, const es_message_t& message,
                         const FileSnapshot& snapshot) {
  const std::optional<VerdictCache::Known> known =
      first_look_.FindClean(snapshot);
  if (!known) return false;
  // Before the answer: what the opener does next must find it there.
  if (known->is_write_protected) IgnoreUntilModified(message);
  AllowClean(client, message);
  return true;
}

void Adapter::AllowClean(es_client_t* client, const es_message_t& message) {
  Verdict clean;
  clean.kind = VerdictKind::kClean;
  RespondNow(client, message, clean, parts_.auth_statistics);
  CountInline(message, HeldKind(message));
}

void Adapter::OnClose(const es_message_t& message) {
  (message.event.close.modified ? parts_.statistics.close_messages
                                : parts_.statistics.start_messages)
      .fetch_add(1);
  const es_file_t* target = EventTarget(message);
  if (target != nullptr && !IsStart(message)) first_look_.Written(message);
  if (target != nullptr && IsEmptyFile(*target)) {
    parts_.statistics.empty_closes.fetch_add(1);
    CountInline(message, FileEventKind::kClose);
    return;
  }
  if (IsExcluded(message)) {
    parts_.statistics.excluded_closes.fetch_add(1);
    CountInline(message, FileEventKind::kClose);
    return;
  }
  FileEvent event = EventOf(message, FileEventKind::kClose);
  if (!event.file.valid()) {
    parts_.statistics.without_file.fetch_add(1);
    return;
  }
  event.snapshot = first_look_.Take(message);
  DeferExclusions(message, event);
  if (RefuseCrashing(event, message)) return;
  (void)Push(parts_.background_queue, event);
}

// Somebody may be held behind this: most programs are none of ours.
void Adapter::OnStarted(const es_message_t& message) {
  if (parts_.starts == nullptr) return;
  AdapterStatistics& statistics = parts_.statistics;
  statistics.program_starts.fetch_add(1);
  if (message.seq_num != std::exchange(next_start_, message.seq_num + 1)) {
    statistics.starts_missed.fetch_add(1);
    parts_.starts->Missed();
  }
  if (!MayRunFromMemory(message)) return;
  statistics.starts_handed_on.fetch_add(1);
  const pid_t pid = audit_token_to_pid(message.process->audit_token);
  if (!parts_.starts->Add(pid)) statistics.starts_full.fetch_add(1);
}

// A successor reads events before it has read its exclusions, which may be on a
// file system that waits for it. Who judges asks then.
void Adapter::DeferExclusions(const es_message_t& message,
                              FileEvent& event) const {
  if (parts_.exclusions.is_known()) return;
  event.unsafe_believed_path = BelievedPath(message);
  if (!IsStart(message)) {
    event.unsafe_believed_executable = BelievedExecutable(message);
  }
}

// By its path; by who opens or wrote it, but never by who starts it.
bool Adapter::IsExcluded(const es_message_t& message) const {
  const Exclusions& exclusions = parts_.exclusions;
  if (!exclusions.is_known()) return false;  // Asked later.
  if (exclusions.any_path() && exclusions.ExcludesPath(BelievedPath(message))) {
    return true;
  }
  return exclusions.any_process() && !IsStart(message) &&
         exclusions.ExcludesProcess(BelievedExecutable(message));
}

// Of an event that goes no further. Who judges counts the others.
void Adapter::CountInline(const es_message_t& message, FileEventKind kind) {
  const es_file_t* target = EventTarget(message);
  if (target == nullptr) return;
  CountedEvent counted;
  counted.kind = kind;
  counted.pid = audit_token_to_pid(message.process->audit_token);
  counted.file = KeyOf(*target);
  counted.subject = &message;
  counted.look_up_path = [](const void* subject) {
    return TargetPath(*static_cast<const es_message_t*>(subject));
  };
  counted.now = MonotonicClock::now();
  parts_.activity.TryCount(counted);
}

// Remembers the content of a file that killed its scanner often enough.
bool Adapter::RefuseCrashing(const FileEvent& event,
                             const es_message_t& message) {
  if (EventStrikes(message) < kStrikesMax) return false;
  const Result<bool> added = parts_.crashed.Add(event.file.UnsafeFd());
  if (!added) {
    parts_.statistics.crashed_contents_full.fetch_add(1);
  } else if (*added) {
    parts_.statistics.crashed_contents.fetch_add(1);
  }
  return true;
}

// The queues have room for every slot of the journal, so that a full one only
// means that consumers are a moment behind. Waiting here stops the reader: the
// kernel keeps the events, and the ledger answers at the deadline. Fullness
// itself is never a reason to allow. False when we are shutting down.
bool Adapter::Push(EventQueue& queue, FileEvent& event) {
  const Lane lane =
      event.kind == FileEventKind::kExec ? Lane::kExec : Lane::kOpen;
  if (queue.TryPush(lane, event)) return true;
  parts_.statistics.full_waits.fetch_add(1);
  while (!queue.closed()) {
    if (queue.TryPush(lane, event)) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace gatehouse
